import { combineCrc32c, crc32c } from './crc32c.ts'
import type { BoltErrorCode } from './errors.ts'
import { keyHash } from './key-hash.ts'
import { compareElements, putKey } from './key-order.ts'
import { leaves, notedKeys, notedValueBytes, putInvalid } from './look-format.ts'
import { elementTable, headerBytes, readBucketValue, readElements } from './page.ts'
import type { ElementTable } from './page.ts'
import { putBytes, putNumber, putU32 } from './record.ts'
import type { RecordWriter } from './record.ts'
import { isRevision, mainOf, subOf } from './revision.ts'
import { hashUserKey } from './user-key.ts'

/** Rows of bucket `key` of a segment, two words each. */
export interface Rows {
  cells: Uint32Array
  length: number
}

const outer = elementTable()
const inner = elementTable()
/** CRC of the rows of a leaf up to and with each. */
let upTo = new Uint32Array(256)

/**
 * Writes the summary of the leaf page that lies in `view` from `start` to `end`. When the page is bad, the record, which began at
 * `before`, becomes one that says so.
 */
export function putLeaf(
  view: DataView,
  start: number,
  end: number,
  count: number,
  seed: number,
  out: RecordWriter,
  rows: Rows,
  before: number,
): void {
  const rowsBefore = rows.length
  const fault = putSummary(view, start, end, count, seed, out, rows, outer)
  if (fault === undefined) return
  rows.length = rowsBefore
  out.length = before
  putInvalid(out, fault.code, fault.message)
}

interface Fault {
  readonly code: BoltErrorCode
  readonly message: string
}

function putSummary(
  view: DataView,
  start: number,
  end: number,
  count: number,
  seed: number,
  out: RecordWriter,
  rows: Rows,
  table: ElementTable,
): Fault | undefined {
  const reason = readElements(view, start, end, true, count, table)
  if (reason !== undefined) return { code: 'page', message: reason }
  if (count === 0) {
    putNumber(out, leaves.empty)
    putNumber(out, 0)
    return undefined
  }
  if (takeRows(view, table, count, seed, rows)) {
    putNumber(out, leaves.rows)
    putNumber(out, count)
    putU32(out, upTo[count - 1])
    putNumber(out, bytesOf(table, count))
    putNumber(out, rows.length / 2 - count)
    putEnds(view, table, count, out)
    putRowByRow(view, table, count, out)
    return undefined
  }
  for (let i = 1; i < count; i++) {
    if (compareElements(view, table, i - 1, i) >= 0) return { code: 'order', message: `key ${i} does not ascend` }
  }
  for (let i = 0; i < count; i++) {
    if (table.cells[4 * i] & 1) return putBuckets(view, table, count, seed, out, rows)
  }
  putRegion(view, table, count, out)
  putEnds(view, table, count, out)
  putNotes(view, table, count, out)
  return undefined
}

/** Appends the rows when every element is one of bucket `key`, in order; else appends nothing. */
function takeRows(view: DataView, table: ElementTable, count: number, seed: number, rows: Rows): boolean {
  const { cells } = table
  const before = rows.length
  if (rows.cells.length < before + 2 * count) {
    const larger = new Uint32Array(Math.max(2 * rows.cells.length, before + 2 * count))
    larger.set(rows.cells.subarray(0, before))
    rows.cells = larger
  }
  if (upTo.length < count) upTo = new Uint32Array(2 * count)
  let crc = 0
  let mainBefore = -1
  let subBefore = -1
  let tombstoneBefore = 0
  for (let i = 0, cell = 0, row = before; i < count; i++, cell += 4, row += 2) {
    const key = cells[cell + 1]
    const keyBytes = cells[cell + 2]
    if ((cells[cell] & 1) !== 0 || !isRevision(view, key, keyBytes)) return false
    const main = mainOf(view, key)
    const sub = subOf(view, key)
    const tombstone = keyBytes - 17
    if (main < mainBefore || (main === mainBefore && (sub < subBefore || (sub === subBefore && tombstone <= tombstoneBefore)))) return false
    const value = key + keyBytes
    if (!hashUserKey(view, value, value + cells[cell + 3], seed)) return false
    rows.cells[row] = ((keyHash.low & ~1) | tombstone) >>> 0
    rows.cells[row + 1] = keyHash.high
    upTo[i] = crc = crc32c(view, key, value + cells[cell + 3], crc)
    mainBefore = main
    subBefore = sub
    tombstoneBefore = tombstone
  }
  rows.length = before + 2 * count
  return true
}

/** What tells the rows of a leaf apart: of all but the last, the CRC up to and with it, its length, and how far behind it the next revision is. */
function putRowByRow(view: DataView, { cells }: ElementTable, count: number, out: RecordWriter): void {
  let main = mainOf(view, cells[1])
  for (let i = 0, cell = 0; i < count - 1; i++, cell += 4) {
    const next = mainOf(view, cells[cell + 5])
    putU32(out, upTo[i])
    putNumber(out, cells[cell + 2] + cells[cell + 3])
    putNumber(out, next - main)
    main = next
  }
}

/** Length of keys and values. */
function bytesOf({ cells }: ElementTable, count: number): number {
  let bytes = 0
  for (let cell = 0; cell < 4 * count; cell += 4) bytes += cells[cell + 2] + cells[cell + 3]
  return bytes
}

/** Kind, count, and CRC and length of all keys and values in a row. */
function putRegion(view: DataView, table: ElementTable, count: number, out: RecordWriter): void {
  const { cells } = table
  let crc = 0
  let bytes = 0
  if (table.contiguous) {
    const last = 4 * count - 4
    const end = cells[last + 1] + cells[last + 2] + cells[last + 3]
    crc = crc32c(view, cells[1], end)
    bytes = end - cells[1]
  } else {
    for (let cell = 0; cell < 4 * count; cell += 4) {
      const length = cells[cell + 2] + cells[cell + 3]
      crc = combineCrc32c(crc, crc32c(view, cells[cell + 1], cells[cell + 1] + length), length)
      bytes += length
    }
  }
  putNumber(out, leaves.items)
  putNumber(out, count)
  putU32(out, crc)
  putNumber(out, bytes)
}

function putEnds(view: DataView, table: ElementTable, count: number, out: RecordWriter): void {
  const { cells } = table
  const base = putKey(out, view, cells[1], cells[2], 0)
  putKey(out, view, cells[4 * count - 3], cells[4 * count - 2], base)
}

function putNotes(view: DataView, table: ElementTable, count: number, out: RecordWriter): void {
  const found: [number, number][] = []
  for (let cell = 0; cell < 4 * count; cell += 4) {
    if (table.cells[cell + 2] > 32 || table.cells[cell + 3] > notedValueBytes) continue
    const key = Buffer.from(view.buffer as ArrayBuffer, view.byteOffset + table.cells[cell + 1], table.cells[cell + 2]).toString('latin1')
    const noted = notedKeys.findIndex((name) => name === key)
    if (noted >= 0) found.push([noted, cell])
  }
  putNumber(out, found.length)
  for (const [noted, cell] of found) {
    putNumber(out, noted)
    putBytes(out, view, table.cells[cell + 1] + table.cells[cell + 2], table.cells[cell + 3])
  }
}

/** A leaf with buckets among its elements: the root of a database, or of a bucket that holds others. */
function putBuckets(view: DataView, table: ElementTable, count: number, seed: number, out: RecordWriter, rows: Rows): Fault | undefined {
  if (table === inner) return { code: 'bucket', message: 'bucket inside an inline bucket' }
  const [start, rowsBefore] = [out.length, rows.length]
  putNumber(out, leaves.buckets)
  putNumber(out, count)
  for (let cell = 0; cell < 4 * count; cell += 4) {
    const { cells } = table
    const value = cells[cell + 1] + cells[cell + 2]
    const end = value + cells[cell + 3]
    const isBucket = cells[cell] & 1
    putNumber(out, isBucket)
    putBytes(out, view, cells[cell + 1], cells[cell + 2])
    if (!isBucket) {
      putU32(out, crc32c(view, cells[cell + 1], end))
      putNumber(out, end - cells[cell + 1])
      continue
    }
    const bucket = readBucketValue(view, value, end)
    if (typeof bucket === 'string') return { code: 'bucket', message: bucket }
    putNumber(out, Math.min(bucket.root, Number.MAX_SAFE_INTEGER))
    if (bucket.root !== 0) continue
    const fault = putSummary(view, value + headerBytes, end, bucket.count, seed, out, rows, inner)
    if (fault) return { code: 'bucket', message: `inline bucket: ${fault.message}` }
  }
  if (rows.length > rowsBefore) out.bytes[start] = leaves.bucketsWithRows
  return undefined
}
