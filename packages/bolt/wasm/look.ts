// The part of src/look.ts that nearly every page needs: leaves of bucket `key`, and branches above them. It writes the same
// records; a page that is anything else, or wrong in any way, is left to the caller.

import { crc32c, makeTables } from './crc32c'
import { copyRecord, countSame, layOutEarlier } from './earlier'
import { fixedBytes, mostElements, upTo } from './memory'
import { branchRecord, leafRecord, out, putNumber, putU32, rowsLeaf, unreadRecord, writeAt } from './record'
import { hashUserKey, high, low } from './user-key'

export { layOutEarlier }

const headerBytes: u32 = 16
const elementBytes: u32 = 16
const branchFlag: u32 = 1
const leafFlag: u32 = 2
const metaFlag: u32 = 4
const freelistFlag: u32 = 16
const maxRunBytes: u64 = 64 << 20
const maxOverlap: i64 = 8

/** The most that an element puts into a record: CRC, length, two numbers of 53 bits. */
const mostRecordBytes: u32 = 32

/** The caller's areas: where they begin, and of two where they end. */
let indexAt: u32 = 0
let endsAt: u32 = 0
let unfinishedAt: u32 = 0
let leftAt: u32 = 0
let rowsAt: u32 = 0
let rowsEnd: u32 = 0
let recordsAt: u32 = 0
let recordsEnd: u32 = 0

// What the last look made.
export let unfinished: u32 = 0
export let left: u32 = 0
/** In words, two a row. */
export let rowWords: u32 = 0
export let recordBytes: u32 = 0

/** First byte that the caller may use; makes the tables. */
export function begin(): u32 {
  makeTables()
  return fixedBytes
}

/** Places of the areas: four of 4 bytes a page, the rows, the records. Forgets an earlier look. */
export function layOut(index: u32, ends: u32, unfinishedPages: u32, leftPages: u32, rows: u32, records: u32, end: u32): void {
  layOutEarlier(0, 0, 0, 0, 0, 0, 0)
  indexAt = index
  endsAt = ends
  unfinishedAt = unfinishedPages
  leftAt = leftPages
  rowsAt = rows
  rowsEnd = records
  recordsAt = records
  recordsEnd = end
}

/** Looks at `pages` pages from `firstPage`, which lies at `start`; their overflow may reach to `end`. */
export function look(bytesStart: u32, start: u32, end: u32, firstPage: u32, pages: u32, pageBytes: u32, seed: u32): void {
  let overlapLeft: i64 = maxOverlap * i64(end - bytesStart)
  unfinished = left = rowWords = 0
  writeAt(recordsAt)
  for (let i: u32 = 0, at = start; i < pages; i++, at += pageBytes) {
    store<u32>(indexAt + (i << 2), 0)
    store<u32>(endsAt + (i << 2), 0)
    if (load<u64>(at) !== u64(firstPage + i)) continue
    const flags: u32 = load<u16>(at, 8)
    const isMeta = flags === metaFlag && firstPage + i <= 1
    if (flags !== leafFlag && flags !== branchFlag && flags !== freelistFlag && !isMeta) continue
    const overflow: u32 = isMeta ? 0 : load<u32>(at, 12)
    const runBytes: u64 = (u64(overflow) + 1) * u64(pageBytes)
    const readable = runBytes <= maxRunBytes || overflow === 0
    if (readable && runBytes > u64(end - at)) {
      store<u32>(unfinishedAt + (unfinished++ << 2), i)
      continue
    }
    if (overflow > 0 && readable) overlapLeft -= runBytes
    const isRead = readable && (overflow === 0 || overlapLeft >= 0)
    const before = out
    const rowsBefore = rowWords
    if (putRecord(i, at, runBytes, flags, overflow, isRead, seed)) {
      store<u32>(indexAt + (i << 2), before - recordsAt + 1)
      store<u32>(endsAt + (i << 2), out - recordsAt)
      continue
    }
    writeAt(before)
    rowWords = rowsBefore
    // The lowest bit tells one that is not to be read.
    store<u32>(leftAt + (left++ << 2), (i << 1) | u32(!isRead))
  }
  recordBytes = out - recordsAt
}

/** The record of page `i`, which lies at `start`; false when it is left to the caller, whatever was written. */
function putRecord(i: u32, start: u32, runBytes: u64, flags: u32, overflow: u32, isRead: bool, seed: u32): bool {
  if (recordsEnd - out < 2 * mostRecordBytes) return false
  if (!isRead) {
    putNumber(unreadRecord)
    putNumber(overflow)
    return true
  }
  const same = countSame(i, overflow)
  if (same > overflow) {
    const words = copyRecord(i, rowsAt + (rowWords << 2), rowsEnd, rowWords >>> 1, recordsEnd)
    if (words < 0) return false
    rowWords += words
    return true
  }
  // Of a page that is the same nothing but the header need be here.
  if (same > 0) return false
  const end = start + u32(runBytes)
  if (flags === leafFlag) return putRows(start, end, overflow, seed)
  return flags === branchFlag && putBranch(start, end, overflow)
}

/** A leaf that holds rows of bucket `key` in their order, and nothing else. */
function putRows(start: u32, end: u32, overflow: u32, seed: u32): bool {
  const count: u32 = load<u16>(start, 10)
  const elements = start + headerBytes
  let behind = elements + count * elementBytes
  if (count === 0 || count > mostElements || behind > end) return false
  if (rowsEnd - (rowsAt + (rowWords << 2)) < count << 3 || recordsEnd - out < (count + 2) * mostRecordBytes) return false

  let bytes: u32 = 0
  let crc: u32 = 0
  let main: i64 = -1
  let sub: i64 = -1
  let tombstone: u32 = 0
  let row = rowsAt + (rowWords << 2)
  for (let i: u32 = 0, element = elements; i < count; i++, element += elementBytes, row += 8) {
    const key: u64 = u64(element) + load<u32>(element, 4)
    const keyBytes = load<u32>(element, 8)
    const valueBytes = load<u32>(element, 12)
    if (key < u64(behind) || key + u64(keyBytes) + u64(valueBytes) > u64(end)) return false
    if ((load<u32>(element) & 1) !== 0 || !isRevision(u32(key), keyBytes)) return false
    const mainBefore = main
    const subBefore = sub
    const tombstoneBefore = tombstone
    main = mainOf(u32(key))
    sub = subOf(u32(key))
    tombstone = keyBytes - 17
    if (main < mainBefore || (main === mainBefore && (sub < subBefore || (sub === subBefore && tombstone <= tombstoneBefore)))) return false
    const value = u32(key) + keyBytes
    behind = value + valueBytes
    if (!hashUserKey(value, behind, seed)) return false
    store<u32>(row, (low & ~1) | tombstone)
    store<u32>(row, high, 4)
    crc = crc32c(u32(key), behind, crc)
    store<u32>(upTo + (i << 2), crc)
    bytes += keyBytes + valueBytes
  }

  putNumber(leafRecord)
  putNumber(overflow)
  putNumber(rowsLeaf)
  putNumber(count)
  putU32(crc)
  putNumber(bytes)
  putNumber(rowWords >>> 1)
  rowWords += count << 1
  const firstMain = putKey(keyAt(elements, 4), load<u32>(elements, 8), 0)
  const last = elements + (count - 1) * elementBytes
  putKey(keyAt(last, 4), load<u32>(last, 8), firstMain)
  let mainSoFar = firstMain
  for (let i: u32 = 0, element = elements; i < count - 1; i++, element += elementBytes) {
    const next = mainOf(keyAt(element + elementBytes, 4))
    putU32(load<u32>(upTo + (i << 2)))
    putNumber(load<u32>(element, 8) + load<u32>(element, 12))
    putNumber(next - mainSoFar)
    mainSoFar = next
  }
  return true
}

/** A branch whose keys are revisions in their order. */
function putBranch(start: u32, end: u32, overflow: u32): bool {
  const count: u32 = load<u16>(start, 10)
  const elements = start + headerBytes
  let behind = elements + count * elementBytes
  if (count === 0 || behind > end || recordsEnd - out < (count + 1) * mostRecordBytes) return false
  putNumber(branchRecord)
  putNumber(overflow)
  putNumber(count)
  let main: i64 = 0
  let sub: i64 = -1
  let tombstone: u32 = 0
  for (let i: u32 = 0, element = elements; i < count; i++, element += elementBytes) {
    const key: u64 = u64(element) + load<u32>(element)
    const keyBytes = load<u32>(element, 4)
    if (key < u64(behind) || key + u64(keyBytes) > u64(end) || !isRevision(u32(key), keyBytes)) return false
    const mainBefore = main
    const subBefore = sub
    const tombstoneBefore = tombstone
    sub = subOf(u32(key))
    tombstone = keyBytes - 17
    behind = u32(key) + keyBytes
    main = mainOf(u32(key))
    if (main < mainBefore || (main === mainBefore && (sub < subBefore || (sub === subBefore && tombstone <= tombstoneBefore)))) return false
    putKey(u32(key), keyBytes, mainBefore)
    const child = load<u64>(element, 8)
    // What JavaScript cannot hold exactly is out of every range anyway.
    putNumber(child > <u64>i64(9007199254740991) ? <u64>i64(9007199254740991) : child)
  }
  return true
}

/** Where the key of an element is, whose offset stands `offset` bytes into it. */
function keyAt(element: u32, offset: u32): u32 {
  return element + load<u32>(element + offset)
}

/** As `isRevision` of src/revision.ts. */
function isRevision(key: u32, bytes: u32): bool {
  return (
    (bytes === 17 || (bytes === 18 && load<u8>(key, 17) === 0x74)) &&
    load<u8>(key, 8) === 0x5f &&
    bswap<u32>(load<u32>(key)) < 0x200000 &&
    bswap<u32>(load<u32>(key, 9)) < 0x200000
  )
}

function mainOf(key: u32): i64 {
  return bswap<u64>(load<u64>(key))
}

function subOf(key: u32): i64 {
  return bswap<u64>(load<u64>(key, 9))
}

/** As `putKey` of src/key-order.ts, for a revision that is not below `base`. */
function putKey(key: u32, bytes: u32, base: i64): i64 {
  const main = mainOf(key)
  putNumber(bytes === 17 ? 1 : 2)
  putNumber(main - base)
  putNumber(subOf(key))
  return main
}
