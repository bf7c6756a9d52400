import { KpipeError } from '@kpipe/engine/contracts'
import type { Snapshot } from '@kpipe/repository'
import { firstOf, joined, rangeText } from '../check/lost-keys-text.ts'
import { withHint } from '../failure.ts'
import type { KeyState, LostKey } from './key-states.ts'
import type { Salvaged } from './run-salvage.ts'

/** What is lost, for people: the first of many. */
export function salvagedText(snapshot: Snapshot, salvaged: Salvaged): string {
  const { pages, ranges, rescued, items, named, keys, keysLeft, keysNoted } = salvaged
  const rows = items === undefined ? '' : `, and ${counted(items, 'item')} with ${pages === 1 ? 'it' : 'them'}`
  const lines = [`snapshot ${snapshot.shortId} of ${snapshot.name}: ${counted(pages, 'page')} of its database lost${rows}`]
  lines.push(
    `  ${counted(keysLeft, 'key')} ${keysLeft === 1 ? 'is' : 'are'} there${keysNoted === null ? '' : `, and ${keysNoted} were noted`}`,
  )
  if (rescued > 0) lines.push(`  found again on other pages: ${counted(rescued, 'item')}`)
  lines.push(...firstOf(joined(ranges).map((range) => `  lost: ${rangeText(range)}`)))
  lines.push(...firstOf(keys.filter(({ state }) => state !== 'history').map((key) => `  ${keyLine(key)}`)))
  lines.push(...firstOf(keys.filter(({ state }) => state === 'history').map((key) => `  ${keyLine(key)}`)))
  const unnamed = items === undefined ? 0 : items - named
  if (unnamed > 0) lines.push(`  ${counted(unnamed, 'lost item')} that no neighbouring snapshot knows: their keys cannot be named`)
  return `${lines.join('\n')}\n`
}

/** For programs: all of it. */
export function salvagedRow({ pages, ranges, rescued, items, named, keys, keysLeft, keysNoted }: Salvaged): Record<string, unknown> {
  return {
    pages,
    items: items ?? null,
    items_named: named,
    items_rescued: rescued,
    keys: keysLeft,
    keys_noted: keysNoted,
    ranges: ranges.map(({ bucket, from, until }) => ({ bucket, from: from ?? null, until: until ?? null })),
    lost_keys: keys.map(({ key, state, left, lost }) => ({
      key,
      state,
      left: left ?? null,
      lost: lost.map(({ revision, deleted, certain, snapshot }) => ({ revision, deleted, certain, in_snapshot: snapshot.id })),
    })),
  }
}

/** How a restore ends that had to leave something out. */
export function salvagedError(snapshot: Snapshot, { keys }: Salvaged, path: string): KpipeError {
  const counts = (['missing', 'older', 'back', 'history'] as const).map((state) => [
    state,
    keys.filter((key) => key.state === state).length,
  ])
  const known = counts.filter(([, count]) => count !== 0).map(([state, count]) => `${count} ${inAll[state as KeyState]}`)
  const what = known.length === 0 ? 'no key of which rows are lost can be named' : `of keys that are known ${known.join(', ')}`
  const message = `snapshot ${snapshot.shortId} of ${snapshot.name} is not whole, and what is left of it is in ${path}: ${what}`
  const error = new KpipeError('KPIPE_DAMAGED', message, { snapshot: snapshot.id, path })
  return withHint(error, 'Compare the listed keys before it is used; `kpipe check --read-data` looks for lost pages in all packs.')
}

const inAll: Record<KeyState, string> = {
  missing: 'are missing',
  older: 'are older versions',
  back: 'are back after their deletion',
  history: 'have lost older versions alone',
}

function keyLine({ key, state, lost, left }: LostKey): string {
  const newest = lost.at(-1)!
  const perhaps = newest.certain ? '' : ', perhaps'
  const holder = `snapshot ${newest.snapshot.shortId} has it`
  switch (state) {
    case 'missing':
      return `${key} is missing: it was of revision ${newest.revision}${perhaps}; ${holder}`
    case 'older':
      return `${key} is an older version: revision ${left} in place of ${newest.revision}${perhaps}; ${holder}`
    case 'back':
      return `${key} is back: it was deleted at revision ${newest.revision}${perhaps}, and what is there is revision ${left}`
    case 'history':
      return `${key} is right, and only older versions are lost: ${lost.map(({ revision }) => revision).join(', ')}${perhaps}`
  }
}

function counted(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? '' : 's'}`
}
