// As src/history-hash.ts, over the leaves that a walk found: of each its page and the CRC of all rows before it. Here a run of rows that
// count goes on from leaf to leaf, and `hash` is changed only where one ends: by the CRCs of all rows up to its begin and up to its end.

import { combine } from './combine'
import { isBroken, main, open, rows, takeNumber, takeRevision, takeU32 } from './kept-looks'

let compacted: i64 = 0
let newestAt: u32 = 0
let hasKept: bool = false
/** The row that comes next, counted from 1. */
let row: u32 = 0

let hash: u32 = 0
/** Whether the row before this one counts, and if so, the CRC and length of all before its run. */
let isRun: bool = false
let runCrc: u32 = 0
let runBytes: u64 = 0

/**
 * CRC of `before` and the rows that count; -1 when a record is broken.
 * @param whole CRC of all rows, which have `bytes` bytes
 */
export function hashRows(
  before: u32,
  compactRevision: i64,
  kept: u32,
  newest: u32,
  leaves: u32,
  leafCount: u32,
  whole: u32,
  bytes: u64,
): f64 {
  compacted = compactRevision
  newestAt = newest
  hasKept = kept > 0
  hash = before
  row = 1
  isRun = false
  let bytesBefore: u64 = 0
  for (let leaf = leaves, end = leaves + (leafCount << 3); leaf < end; leaf += 8) {
    open(load<u32>(leaf))
    takeNumber()
    const count = u32(takeNumber())
    const crc = takeU32()
    const leafBytes = u32(takeNumber())
    const cells = rows + (u32(takeNumber()) << 2)
    takeRevision(0)
    const crcBefore = load<u32>(leaf, 4)
    // Revisions ascend: from here on nothing was compacted.
    const isLater = main > compacted
    if (isLater || (hasKept && areNewest(cells, count))) {
      if (!isRun) beginRun(crcBefore, bytesBefore)
      if (isLater) break
      row += count
    } else if (!hashLeaf(cells, count, leafBytes, crcBefore, bytesBefore)) return -1
    bytesBefore += leafBytes
  }
  if (isRun) endRun(whole, bytes)
  return hash
}

function areNewest(cells: u32, count: u32): bool {
  for (let i: u32 = 0; i < count; i++) {
    if (!isNewest(load<u32>(cells + (i << 2)), row + i)) return false
  }
  return true
}

/** The leaf whose last revision comes next, then its CRCs row by row; false when they are broken. */
function hashLeaf(cells: u32, count: u32, bytes: u32, crcBefore: u32, bytesBefore: u64): bool {
  let rowMain = main
  takeRevision(0)
  /** Of the rows of the leaf so far. */
  let crcSoFar: u32 = 0
  let bytesSoFar: i64 = 0
  for (let i: u32 = 0; i < count; i++) {
    const isCounted = counts(load<u32>(cells + (i << 2)), rowMain)
    row++
    if (isCounted !== isRun) {
      const crc = combine(crcBefore, crcSoFar, bytesSoFar)
      if (isCounted) beginRun(crc, bytesBefore + bytesSoFar)
      else endRun(crc, bytesBefore + bytesSoFar)
    }
    if (i === count - 1) break
    crcSoFar = takeU32()
    const rowBytes = takeNumber()
    bytesSoFar += rowBytes
    rowMain += takeNumber()
    // No row is empty.
    if (isBroken || rowBytes === 0 || bytesSoFar >= i64(bytes) || rowMain > i64(9007199254740991)) return false
  }
  return true
}

function counts(cell: u32, rowMain: i64): bool {
  if (rowMain > compacted) return true
  if ((cell & 1) === 1 && rowMain === compacted) return false
  return !hasKept || isNewest(cell, row)
}

@inline
function isNewest(cell: u32, itsRow: u32): bool {
  return load<u32>(newestAt + ((cell >>> 1) << 2)) === itsRow
}

function beginRun(crc: u32, bytes: u64): void {
  isRun = true
  runCrc = crc
  runBytes = bytes
}

function endRun(crc: u32, bytes: u64): void {
  isRun = false
  hash = combine(hash ^ runCrc, crc, bytes - runBytes)
}
