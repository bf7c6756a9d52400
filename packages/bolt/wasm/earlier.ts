// Records of an earlier look at the same pages. Nothing of it is believed but that its areas lie where the caller says: a record
// that is not whole is not taken.

import { branchRecord, bucketsLeaf, emptyLeaf, freelistRecord, itemsLeaf, leafRecord, metaRecord, out, putNumber, rowsLeaf, writeAt } from './record'

/** The earlier look's areas: where they begin, of records how many bytes they are, of rows how many there are. */
let indexAt: u32 = 0
let endsAt: u32 = 0
let rowsAt: u32 = 0
let rows: u64 = 0
let recordsAt: u32 = 0
let recordBytes: u32 = 0
/** One byte a page: 1 when its bytes are the same as then. */
let sameAt: u32 = 0
let samePages: u32 = 0

/** What can be taken from an earlier look at as many pages: two areas of 4 bytes a page, rows of 8 bytes, records, one byte a page. */
export function layOutEarlier(index: u32, ends: u32, rowArea: u32, records: u32, end: u32, same: u32, pages: u32): void {
  indexAt = index
  endsAt = ends
  rowsAt = rowArea
  rows = (records - rowArea) >>> 3
  recordsAt = records
  recordBytes = end - records
  sameAt = same
  samePages = pages
}

/** How many of a page and its overflow are what they were. */
export function countSame(page: u32, overflow: u32): u32 {
  const end = min(page + overflow + 1, samePages)
  let count: u32 = 0
  for (let each = page; each < end; each++) count += u32(load<u8>(sameAt + each) === 1)
  return count
}

/** Where the next number of the earlier record is read. */
let at: u32 = 0

/**
 * Writes the record that `page` had, and to `rowPlace` its rows, which are those from `row` on in this look. Returns the words of the rows;
 * -1 when the record has to be made anew, and then it has written nothing.
 */
export function copyRecord(page: u32, rowPlace: u32, rowsEnd: u32, row: u32, recordsEnd: u32): i32 {
  const place = load<u32>(indexAt + (page << 2))
  const end = load<u32>(endsAt + (page << 2))
  // A row's number may take more bytes than it did.
  if (place === 0 || place > end || end > recordBytes || recordsEnd - out < end - place + 16) return -1
  const from = recordsAt + place - 1
  const to = recordsAt + end
  const kind: u32 = load<u8>(from)
  if (kind === branchRecord || kind === freelistRecord || kind === metaRecord) return copy(from, to)
  if (kind !== leafRecord) return -1
  at = from + 1
  if (takeNumber(to) < 0) return -1
  const summary = takeNumber(to)
  if (summary === emptyLeaf || summary === itemsLeaf || summary === bucketsLeaf) return copy(from, to)
  return summary === rowsLeaf ? copyRows(from, to, rowPlace, rowsEnd, row) : -1
}

/** The same for a leaf of rows, of which its summary's kind was read. */
function copyRows(from: u32, to: u32, rowPlace: u32, rowsEnd: u32, row: u32): i32 {
  const count = takeNumber(to)
  at += 4
  if (count < 0 || takeNumber(to) < 0) return -1
  const before = at
  const first = takeNumber(to)
  if (first < 0 || u64(first) + u64(count) > rows || u64(rowsEnd - rowPlace) >>> 3 < u64(count)) return -1
  copy(from, before)
  putNumber(row)
  copy(at, to)
  memory.copy(rowPlace, rowsAt + (u32(first) << 3), u32(count) << 3)
  return i32(count) << 1
}

function copy(from: u32, to: u32): i32 {
  memory.copy(out, from, to - from)
  writeAt(out + (to - from))
  return 0
}

/** A number below 2^56; -1 when it does not end before `to`. */
function takeNumber(to: u32): i64 {
  let value: i64 = 0
  for (let shift = 0; shift < 56 && at < to; shift += 7) {
    const byte = i64(load<u8>(at++))
    value |= (byte & 127) << shift
    if (byte < 128) return value
  }
  return -1
}
