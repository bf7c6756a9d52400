import { readKeyValue } from './key-value.ts'
import { lostRows } from './lost-ranges.ts'
import type { LostRows } from './lost-ranges.ts'
import { readRevision } from './revision.ts'
import type { Revision } from './revision.ts'
import { rowsOnLeaf, salvage } from './salvage.ts'
import type { LeafRow, LeftPages, LostRange } from './salvage.ts'
import type { NewItem } from './write.ts'

/** What of a database can be written anew. */
export interface LeftItems {
  /** Pages of the tree that are lost, with what was on them. */
  readonly lost: readonly LostRange[]
  /** Rows of bucket `key` to which no page of the tree leads any more, by their keys. */
  readonly strays: ReadonlySet<string>
  /** For `writeBolt`. Reads the database again. */
  items(): AsyncGenerator<NewItem, void>
}

export interface LeftItemsOptions {
  /** What was noted of the last compaction, for a database that has lost it; -1 for none. */
  readonly compactRevision?: number | undefined
  /** Asked for once, when the lost ranges are known: tells whether a row that may have been compacted away was there. */
  known?(lost: readonly LostRange[]): Promise<(row: Revision) => boolean>
}

/**
 * Goes over what can be read. A row of bucket `key` on a page that lies below a lost one is found again, as are rows of lost pages on free
 * pages that hold older versions of them; but only where it is certain that they were still there: above the last compaction, or known.
 * Holds about 100 bytes for each such row.
 */
export async function leftItems(pages: LeftPages, { compactRevision, known }: LeftItemsOptions = {}): Promise<LeftItems> {
  const lost: LostRange[] = []
  let compacted: number | undefined
  let hasMeta = false
  for await (const found of salvage(pages)) {
    if (found.kind === 'lost') lost.push(found)
    if (found.kind !== 'item' || nameOf(found.path) !== 'meta') continue
    hasMeta = true
    if (/^(?:finished|scheduled)CompactRev$/.test(textOf(found.key)))
      compacted = Math.max(compacted ?? -1, readRevision(found.value)?.main ?? Infinity)
  }
  if (!hasMeta || lost.some(({ path }) => nameOf(path) === 'meta')) compacted = Math.max(compacted ?? -1, compactRevision ?? Infinity)
  const rows = lostRows(lost)
  const isKnown = rows.none ? undefined : await known?.(lost)
  const isCertain = (row: Revision): boolean => row.main > (compacted ?? -1) || isKnown?.(row) === true
  const strays = rows.none ? new Map<string, number>() : await findStrays(pages, rows, isCertain)
  const inOrder = [...strays]

  async function* straysIn(range: LostRange): AsyncGenerator<NewItem, void> {
    let read: { readonly page: number; readonly rows: readonly LeafRow[] } | undefined
    for (let at = firstFrom(inOrder, range.path.length === 0 ? undefined : range.from); at < inOrder.length; at++) {
      const [text, page] = inOrder[at]!
      const key = Buffer.from(text, 'latin1')
      if (range.path.length > 0 && !isBetween(range, key)) return
      if (read?.page !== page) read = { page, rows: await rowsOnLeaf(pages, page) }
      const row = read.rows.find((one) => key.equals(one.key))
      if (row !== undefined) yield { path: { length: 1 }, key, value: row.value, sequence: undefined }
    }
  }

  return {
    lost,
    strays: new Set(strays.keys()),
    items: () => ascending(found(pages, straysIn)),
  }
}

/** What is left, with the rows that were found again where they belong. */
async function* found(pages: LeftPages, straysIn: (range: LostRange) => AsyncIterable<NewItem>): AsyncGenerator<NewItem, void> {
  for await (const one of salvage(pages)) {
    if (one.kind === 'item') yield { path: one.path, key: one.key, value: one.value, sequence: undefined }
    else if (one.kind === 'bucket') yield { path: one.path, key: one.key, value: undefined, sequence: one.sequence }
    else if (nameOf(one.path) === 'key') yield* straysIn(one)
    else if (one.path.length === 0) {
      // Without these two buckets it is no database of etcd.
      for (const name of ['key', 'meta'].filter((bucket) => isBetween(one, Buffer.from(bucket)))) {
        yield { path: one.path, key: Buffer.from(name), value: undefined, sequence: 0n }
        if (name === 'key') yield* straysIn(one)
      }
    }
  }
}

/** Leaves out what is not in its place: items, and buckets with all that is in them. */
async function* ascending(items: AsyncIterable<NewItem>): AsyncGenerator<NewItem, void> {
  const last: Uint8Array[] = []
  let leftOut = Infinity
  for await (const item of items) {
    const depth = item.path.length
    if (depth > leftOut) continue
    leftOut = Infinity
    const before = last[depth]
    if (before !== undefined && Buffer.compare(before, item.key) >= 0) {
      if (item.value === undefined) leftOut = depth
      continue
    }
    last.length = depth
    last[depth] = item.key
    yield item
  }
}

/** The page that holds a row, by the row's key, in ascending order. */
async function findStrays(pages: LeftPages, lost: LostRows, isCertain: (row: Revision) => boolean): Promise<Map<string, number>> {
  const found = new Map<string, number>()
  const total = Math.floor(pages.bytes / pages.pageBytes)
  for (let page = 2; page < total; page++) {
    for (const row of await rowsOnLeaf(pages, page)) {
      const revision = readRevision(row.key)!
      if (isCertain(revision) && lost.has(row.key) && isRow(row, revision)) found.set(textOf(row.key), page)
    }
  }
  return new Map([...found].toSorted(([one], [other]) => (one < other ? -1 : 1)))
}

/** Whether it is what etcd writes, for a free page may be of any bucket. */
function isRow({ value }: LeafRow, { main, tombstone }: Revision): boolean {
  try {
    const { key, modRevision } = readKeyValue(value)
    return value.length === 0 || (key.length > 0 && modRevision === (tombstone ? 0n : BigInt(main)))
  } catch {
    return false
  }
}

/** The place of the first row that is not below `from`. */
function firstFrom(rows: readonly (readonly [string, number])[], from: Uint8Array | undefined): number {
  if (from === undefined) return 0
  const text = textOf(from)
  let [low, high] = [0, rows.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (rows[middle]![0] < text) low = middle + 1
    else high = middle
  }
  return low
}

function isBetween({ from, until }: LostRange, key: Uint8Array): boolean {
  return (from === undefined || Buffer.compare(key, from) >= 0) && (until === undefined || Buffer.compare(key, until) < 0)
}

function nameOf(path: readonly Uint8Array[]): string | undefined {
  return path.length === 1 ? textOf(path[0]) : undefined
}

function textOf(key: Uint8Array): string {
  return Buffer.from(key).toString('latin1')
}
