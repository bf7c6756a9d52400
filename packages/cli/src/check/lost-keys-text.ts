import type { LostKeys, NamedRange } from './lost-keys.ts'

const shownAtMost = 20

/** For programs: all of it. */
export function lostKeysRow({ snapshot, pages, items, exact, ranges, known }: LostKeys): Record<string, unknown> {
  return {
    snapshot: snapshot.id,
    pages,
    items: items ?? null,
    items_exact: exact,
    ranges: ranges.map(({ bucket, from, until }) => ({ bucket, from: from ?? null, until: until ?? null })),
    known: known.map(({ key, revision, deleted, certain, snapshot: other }) => ({
      key,
      revision,
      deleted,
      certain,
      in_snapshot: other.id,
    })),
  }
}

/** For people: the first of many. */
export function lostKeysText({ snapshot, pages, items, exact, ranges, known }: LostKeys): string {
  const name = `snapshot ${snapshot.shortId} of ${snapshot.name}`
  if (pages === 0) return `${name}: no page that is in use is lost, and no key\n`
  const rows = items === undefined ? '' : `, with ${exact ? '' : 'about '}${items} ${items === 1 ? 'item' : 'items'}`
  const lines = [`${name}: ${pages} ${pages === 1 ? 'page' : 'pages'} of its database ${pages === 1 ? 'is' : 'are'} lost${rows}`]
  lines.push(...firstOf(joined(ranges).map((range) => `  lost: ${rangeText(range)}`)))
  lines.push(
    ...firstOf(
      known.map(({ key, revision, deleted, certain, snapshot: other }) => {
        const state = `${deleted ? 'deleted at' : 'at'} revision ${revision}`
        return `  ${key} ${state}${certain ? '' : ', perhaps'}; snapshot ${other.shortId} has it`
      }),
    ),
  )
  if (known.length === 0 && ranges.some(({ bucket }) => bucket === 'key' || bucket === ''))
    lines.push('  no other whole snapshot knows these keys')
  return `${lines.join('\n')}\n`
}

/** Ranges that go on where the one before ends, as one: that of a lost page each is of use to nobody. */
export function joined(ranges: readonly NamedRange[]): NamedRange[] {
  const found: NamedRange[] = []
  for (const range of ranges) {
    const before = found.at(-1)
    const goesOn = before?.until !== undefined && before.until === range.from && before.bucket === range.bucket
    if (goesOn) found[found.length - 1] = { ...before, until: range.until }
    else found.push(range)
  }
  return found
}

export function firstOf(lines: readonly string[]): string[] {
  if (lines.length <= shownAtMost) return [...lines]
  return [...lines.slice(0, shownAtMost), `  … and ${lines.length - shownAtMost} more`]
}

export function rangeText({ bucket, from, until }: NamedRange): string {
  if (bucket === '') return from === undefined && until === undefined ? 'all buckets' : `buckets ${between(from, until)}`
  if (bucket === 'key') return from === undefined && until === undefined ? 'all revisions' : `revisions ${between(from, until)}`
  return from === undefined && until === undefined ? `bucket ${bucket}` : `bucket ${bucket}, ${between(from, until)}`
}

function between(from: string | undefined, until: string | undefined): string {
  if (from === undefined) return `below ${until}`
  return until === undefined ? `from ${from} on` : `from ${from} to below ${until}`
}
