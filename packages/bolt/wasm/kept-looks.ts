// Finds and reads the records of looks, which src/look-memory.ts laid out. Nothing beside a record's segment is read, whatever it holds.

import { branchRecord, leafRecord } from './record'

/** Words of a segment in the tables: first page, pages, where its index begins, rows behind it, bytes of records behind them. */
const segmentBytes: u32 = 20
/** Beyond it JavaScript does not count exactly. */
const mostNumber: i64 = 9007199254740991

/** Segments in the order of their pages, then looks at single pages that came later, by page. */
let segments: u32 = 0
let segmentCount: u32 = 0
let late: u32 = 0
let lateCount: u32 = 0

/** The record that is read: where the next byte is and where its segment's records end, and the rows of the segment. */
export let at: u32 = 0
export let end: u32 = 0
export let rows: u32 = 0
export let rowCount: u32 = 0
/** Of the record: its kind and its overflow. */
export let kind: i64 = 0
export let overflow: i64 = 0
/** Something that was read since it was opened is no number or none that is exact, or lies beyond the end. */
export let isBroken: bool = false

/** The last revision that was read: main, and sub times two plus one for a tombstone. */
export let main: i64 = 0
export let minor: i64 = 0

export function layOutLooks(table: u32, count: u32, lateTable: u32, lateOnes: u32): void {
  segments = table
  segmentCount = count
  late = lateTable
  lateCount = lateOnes
}

/** Begins to read the page's record; false when there is none, or neither a leaf's nor a branch's. */
export function open(page: u32): bool {
  const segment = lastFrom(segments, segmentCount, guess(page), page)
  let place = segment === 0 ? 0 : placeIn(segment, page)
  if (place === 0) {
    const alone = lastFrom(late, lateCount, 0, page)
    if (alone === 0 || load<u32>(alone) !== page) return false
    place = placeIn(alone, page)
    if (place === 0) return false
  }
  isBroken = at >= end
  kind = takeNumber()
  if (kind !== leafRecord && kind !== branchRecord) return false
  overflow = takeNumber()
  return !isBroken
}

/** Turns to the segment's page; 1 + place of its record, or 0. */
function placeIn(segment: u32, page: u32): u32 {
  const offset = page - load<u32>(segment)
  const pages = load<u32>(segment, 4)
  if (offset >= pages) return 0
  const index = load<u32>(segment, 8)
  const place = load<u32>(index + (offset << 2))
  rowCount = load<u32>(segment, 12)
  rows = index + (pages << 2)
  const records = rows + (rowCount << 2)
  end = records + load<u32>(segment, 16)
  at = u64(place) > u64(end - records) ? end : records + place - 1
  return place
}

/** Nearly always all segments have the first one's length. */
function guess(page: u32): u32 {
  return segmentCount === 0 ? 0 : min(segmentCount - 1, (page - load<u32>(segments)) / load<u32>(segments, 4))
}

/** The last of a table that does not begin after `page`, or 0; it is looked for at `first` at first. */
function lastFrom(table: u32, count: u32, first: u32, page: u32): u32 {
  let low: u32 = 0
  let high = count
  for (let middle = first; low < high; middle = (low + high) >>> 1) {
    const segment = table + middle * segmentBytes
    if (load<u32>(segment) > page) high = middle
    else if (middle + 1 === high || load<u32>(segment, segmentBytes) > page) return segment
    else low = middle + 1
  }
  return 0
}

/** As `takeNumber` of src/record.ts. */
@inline
export function takeNumber(): i64 {
  const byte: u32 = at < end ? load<u8>(at) : 128
  if (byte >= 128) return longNumber()
  at++
  return byte
}

function longNumber(): i64 {
  let value: i64 = 0
  for (let shift = 0; shift < 56 && at < end; shift += 7) {
    const byte = i64(load<u8>(at++))
    value |= (byte & 127) << shift
    if (byte >= 128) continue
    if (value <= mostNumber) return value
    break
  }
  isBroken = true
  return 0
}

export function takeU32(): u32 {
  if (u64(at) + 4 > u64(end)) {
    isBroken = true
    return 0
  }
  at += 4
  return load<u32>(at - 4)
}

/** As `takeKey` of src/key-order.ts, for a revision; any other key is broken. */
export function takeRevision(base: i64): void {
  const mark = takeNumber()
  main = base + takeNumber()
  minor = (takeNumber() << 1) | i64(mark === 2)
  if ((mark !== 1 && mark !== 2) || main > mostNumber) isBroken = true
}

/** Reads on in a record after another one was opened: `at` and `end` as they were. The rows are those of the other one. */
export function resume(itsAt: u32, itsEnd: u32): void {
  at = itsAt
  end = itsEnd
}
