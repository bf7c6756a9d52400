// The part of src/status-walk.ts that nearly every page needs: the tree of bucket `key`, of branches and leaves of rows alone. It makes
// the same checks, and gives up at anything else and at whatever is wrong, for the caller to say what.

import { combine, makeTables, tableBytes } from './combine'
import { hashRows } from './history-hash'
import {
  at, end, isBroken, kind, layOutLooks, main, minor, open, overflow, resume, rowCount, rows, takeNumber, takeRevision, takeU32,
} from './kept-looks' // prettier-ignore
import { branchRecord, rowsLeaf } from './record'

/** Why it gave up, as `unusual` of src/fast-walk.ts has it; 0 when it did not. */
const tooDeep: u32 = 1
const outOfRange: u32 = 2
const noRecord: u32 = 3
const shared: u32 = 4
const noRows: u32 = 5
const broken: u32 = 6
const disorder: u32 = 7

/** The caller's areas: a bit a page for those that were reached, a word a user key, two words a leaf. */
let reachedAt: u32 = 0
let newestAt: u32 = 0
let leavesAt: u32 = 0

let pages: u32 = 0
let maxDepth: u32 = 0
/** The last key, main -1 before the first. */
let lastMain: i64 = -1
let lastMinor: i64 = 0
let leafCount: u32 = 0
let byteCount: i64 = 0

// What the last walk found.
export let crc: u32 = 0
export let items: u32 = 0
/** Live user keys. */
export let kept: u32 = 0

/** First byte that the caller may use; makes the tables. */
export function begin(): u32 {
  makeTables()
  return tableBytes
}

/** Places of the tables of segments, and of late pages, as `kept-looks` has them. */
export function layOutSegments(table: u32, count: u32, lateTable: u32, lateCount: u32): void {
  layOutLooks(table, count, lateTable, lateCount)
}

/** Places of the areas: pages that were reached, newest rows of as many user keys, leaves of which there is room for all. */
export function layOut(reached: u32, newest: u32, keys: u32, leaves: u32): void {
  reachedAt = reached
  newestAt = newest
  leavesAt = leaves
  memory.fill(newest, 0, keys << 2)
}

/** Walks the tree below `root` of a database of so many pages; returns why not. Marks pages as reached also when it gives up. */
export function walk(root: u32, depth: u32, pageCount: u32, deepest: u32): u32 {
  pages = pageCount
  maxDepth = deepest
  lastMain = -1
  leafCount = crc = items = kept = 0
  byteCount = 0
  return visit(root, depth, -1, 0)
}

/** Of keys and values. */
export function bytes(): f64 {
  return f64(byteCount)
}

/** Main revision of the last row. */
export function revision(): f64 {
  return f64(lastMain)
}

/** CRC of `before` and the rows that count after a compaction; -1 when it gives up. After a walk that did not. */
export function hash(before: u32, compactRevision: f64): f64 {
  return hashRows(before, i64(compactRevision), kept, newestAt, leavesAt, leafCount, crc, byteCount)
}

function visit(page: i64, depth: u32, floorMain: i64, floorMinor: i64): u32 {
  if (depth > maxDepth) return tooDeep
  if (page < 2 || page >= i64(pages)) return outOfRange
  if (!open(u32(page))) return noRecord
  if (page + overflow >= i64(pages)) return outOfRange
  for (let id = u32(page); id <= u32(page + overflow); id++) {
    const byte = reachedAt + (id >>> 3)
    const bits: u32 = load<u8>(byte)
    const bit: u32 = 1 << (id & 7)
    if (bits & bit) return shared
    store<u8>(byte, bits | bit)
  }
  return kind === branchRecord ? branch(depth, floorMain, floorMinor) : leaf(u32(page), floorMain, floorMinor)
}

function branch(depth: u32, floorMain: i64, floorMinor: i64): u32 {
  const count = takeNumber()
  if (count === 0) return broken
  let base: i64 = 0
  for (let i: i64 = 0; i < count; i++) {
    takeRevision(base)
    const child = takeNumber()
    if (isBroken) return broken
    base = main
    if (i === 0 ? !follows(floorMain, floorMinor) : !follows(-1, 0)) return disorder
    const itsAt = at
    const itsEnd = end
    const fault = visit(child, depth + 1, main, minor)
    if (fault !== 0) return fault
    resume(itsAt, itsEnd)
  }
  return 0
}

/** Whether the revision that was read lies behind the last key, and not below the floor. */
function follows(floorMain: i64, floorMinor: i64): bool {
  return (main > lastMain || (main === lastMain && minor > lastMinor)) && (main > floorMain || (main === floorMain && minor >= floorMinor))
}

function leaf(page: u32, floorMain: i64, floorMinor: i64): u32 {
  if (takeNumber() !== rowsLeaf) return noRows
  const count = takeNumber()
  const leafCrc = takeU32()
  const leafBytes = takeNumber()
  const firstRow = takeNumber()
  takeRevision(0)
  if (isBroken || count === 0 || leafBytes === 0 || leafBytes > <i64>u32.MAX_VALUE || firstRow + count > i64(rowCount)) return broken
  if (!follows(floorMain, floorMinor)) return disorder
  takeRevision(main)
  if (isBroken) return broken
  lastMain = main
  lastMinor = minor
  countRows(rows + (u32(firstRow) << 2), u32(count))
  const place = leavesAt + (leafCount++ << 3)
  store<u32>(place, page)
  store<u32>(place, crc, 4)
  crc = combine(crc, leafCrc, leafBytes)
  byteCount += leafBytes
  return 0
}

/** As `take` of src/history.ts. */
function countRows(start: u32, count: u32): void {
  for (let row = start; row < start + (count << 2); row += 4) {
    const cell = load<u32>(row)
    const newest = newestAt + ((cell >>> 1) << 2)
    const isLive = ~cell & 1
    items++
    kept += isLive - u32(load<u32>(newest) !== 0)
    store<u32>(newest, isLive ? items : 0)
  }
}
