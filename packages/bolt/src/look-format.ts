import type { BoltErrorCode } from './errors.ts'
import { putNumber, putText, takeNumber } from './record.ts'
import type { RecordReader, RecordWriter } from './record.ts'

// A look is what the worker's half tells the main thread's half about one segment: six words, then the index, the ends, the unfinished
// pages, the rows and the records. All words are u32 in the machine's byte order, for both halves run in one process; a look that was
// kept and comes back to another machine is not recognised there.
//
// A record begins with one of `records` below; then
//   invalid   code, message                   what is wrong with the page, should it turn out to be reachable
//   unread    pages of overflow
//   meta      the first 80 bytes of the page
//   branch    overflow, count, then for each child: key, page
//   leaf      overflow, summary of the leaf
//   freelist  overflow, count, the ids as differences
// A summary of a leaf begins with one of `leaves`, then the count of elements:
//   empty     nothing more
//   rows      crc, bytes, index of its first row in the look, first key, last key; then for each row but the last: crc of all up to and
//             with it, bytes, and by how much its main revision is below the next one's
//   items     crc, bytes, first key, last key, count of noted values, each with its index in `notedKeys`
//   buckets   for each element: 0, key, crc, bytes; or 1, key, root, and if that is 0 the summary of the inline leaf
//   bucketsWithRows  the same, and one of the inline leaves has rows
export const records = { invalid: 1, unread: 2, meta: 3, branch: 4, leaf: 5, freelist: 6 } as const
export const leaves = { empty: 0, rows: 1, items: 2, buckets: 3, bucketsWithRows: 4 } as const

/** Keys of the buckets `meta` and `cluster` whose values become facts. */
export const notedKeys = [
  'consistent_index',
  'term',
  'storageVersion',
  'finishedCompactRev',
  'scheduledCompactRev',
  'clusterVersion',
] as const
/** Longer values are none that etcd wrote. */
export const notedValueBytes = 64

const words = 6
/** Sixth word of a look: another one whenever a look, a record or a hash of a key comes to be something else, so that no earlier look is taken for one of these. */
const format = 0x6b706c01

export interface Look {
  /** The first page that begins in the segment. */
  readonly firstPage: number
  /** For each page that begins and, without its overflow, ends in the segment: 1 + place of its record, or 0 when it is no page of a tree. */
  readonly index: Uint32Array
  /** For each of these pages where its record ends in `records`, or 0. */
  readonly ends: Uint32Array
  /** Pages (counted from the first) whose overflow crosses the end of the segment. */
  readonly unfinished: Uint32Array
  /** Two words a row of bucket `key`: hash of the user's key, whose lowest bit tells a tombstone. */
  readonly rows: Uint32Array
  readonly records: Uint8Array
}

export function encodeLook(look: Look): Uint8Array {
  const { firstPage, index, ends, unfinished, rows } = look
  const cells = words + 2 * index.length + unfinished.length + rows.length
  const bytes = new Uint8Array(4 * cells + look.records.length)
  const into = new Uint32Array(bytes.buffer, 0, cells)
  into.set([firstPage, index.length, unfinished.length, rows.length, look.records.length, format])
  into.set(index, words)
  into.set(ends, words + index.length)
  into.set(unfinished, words + 2 * index.length)
  into.set(rows, words + 2 * index.length + unfinished.length)
  bytes.set(look.records, 4 * cells)
  return bytes
}

/** The parts of a look, as views where its place in memory allows. */
export function decodeLook(look: Uint8Array): Look {
  const bytes = look.byteOffset % 4 === 0 ? look : new Uint8Array(look)
  const [firstPage, pages, unfinished, rows, recordBytes] = new Uint32Array(bytes.buffer, bytes.byteOffset, words)
  let at = bytes.byteOffset + 4 * words
  const take = (count: number) => {
    at += 4 * count
    return new Uint32Array(bytes.buffer, at - 4 * count, count)
  }
  return {
    firstPage,
    index: take(pages),
    ends: take(pages),
    unfinished: take(unfinished),
    rows: take(rows),
    records: new Uint8Array(bytes.buffer, at, recordBytes),
  }
}

/** Where the areas of a look lie in it, in bytes. */
export interface LookAreas {
  readonly firstPage: number
  readonly pages: number
  readonly index: number
  readonly ends: number
  readonly rows: number
  readonly records: number
}

/** Undefined when it is no look of this format or not a whole one. */
export function lookAreas(look: Uint8Array): LookAreas | undefined {
  if (look.length < 4 * words) return undefined
  const [firstPage, pages, unfinished, rowWords, recordBytes, itsFormat] = new Uint32Array(
    new Uint8Array(look.subarray(0, 4 * words)).buffer,
  )
  const index = 4 * words
  const ends = index + 4 * pages
  const rows = ends + 4 * pages + 4 * unfinished
  const records = rows + 4 * rowWords
  if (itsFormat !== format || rowWords % 2 !== 0 || records + recordBytes !== look.length) return undefined
  return { firstPage, pages, index, ends, rows, records }
}

export function putInvalid(out: RecordWriter, code: BoltErrorCode, message: string): void {
  putNumber(out, records.invalid)
  putText(out, code)
  putText(out, message)
}

/** What a leaf of rows tells of each of them. */
export function skipRowByRow(from: RecordReader, count: number): void {
  for (let row = 1; row < count; row++) {
    from.at += 4
    takeNumber(from)
    takeNumber(from)
  }
}
