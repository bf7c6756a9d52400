import { combineCrc32c, crc32c } from './crc32c.ts'
import type { HashKv } from './hash-kv.ts'
import type { History, RowLeaf } from './history.ts'
import { takeKey } from './key-order.ts'
import { takeNumber, takeU32 } from './record.ts'
import type { RecordReader } from './record.ts'

/** CRC of the name of bucket `key`, which HashKV begins with. */
export const nameCrc = crc32c(new DataView(new TextEncoder().encode('key').buffer), 0, 3)

/**
 * HashKV of all history from the sums of its leaves: those that lose no row count as a whole, and of the others the CRCs up to each row
 * tell what lies between any two.
 * @param whole CRC of the bucket's name and of all its rows
 */
export function hashHistory(
  { kept, isNewest }: Pick<History, 'kept' | 'isNewest'>,
  leaves: () => Iterable<RowLeaf>,
  whole: number,
  revision: number,
  compactRevision: number,
): HashKv {
  if (compactRevision < 0) return { hash: whole, revision, compactRevision }
  const counts = (cell: number, row: number, main: number): boolean => {
    if (main > compactRevision) return true
    if ((cell & 1) === 1 && main === compactRevision) return false
    return kept === 0 || isNewest(cell, row)
  }
  let hash = nameCrc
  let row = 0
  let isLater = false
  for (const { reader, rows, count } of leaves()) {
    const crc = takeU32(reader)
    const bytes = takeNumber(reader)
    const firstRow = takeNumber(reader)
    let main: number = isLater ? Infinity : takeMain(reader, 0)
    // Revisions ascend: from here on nothing was compacted.
    isLater ||= main > compactRevision
    if (isLater) {
      hash = combineCrc32c(hash, crc, bytes)
      continue
    }
    takeMain(reader, main)
    /** CRC of the leaf and its length up to the run of rows that counts, and up to the end of the row before this one. */
    let crcBefore = 0
    let bytesBefore = 0
    let crcSoFar = 0
    let bytesSoFar = 0
    for (let i = 0; i < count; i++) {
      const isLast = i === count - 1
      const crcUpTo = isLast ? crc : takeU32(reader)
      const bytesUpTo = isLast ? bytes : bytesSoFar + takeNumber(reader)
      row++
      if (!counts(rows[firstRow + i], row, main)) {
        hash = withRun(hash, crcBefore, crcSoFar, bytesSoFar - bytesBefore)
        crcBefore = crcUpTo
        bytesBefore = bytesUpTo
      }
      crcSoFar = crcUpTo
      bytesSoFar = bytesUpTo
      if (!isLast) main += takeNumber(reader)
    }
    hash = withRun(hash, crcBefore, crcSoFar, bytesSoFar - bytesBefore)
  }
  return hashAfter(compactRevision, hash, kept, whole, revision)
}

/** HashKV by the hash of what a compaction leaves. */
export function hashAfter(compactRevision: number, hash: number, kept: number, whole: number, revision: number): HashKv {
  // Only where nothing is superseded by a live key does it show that earlier versions keep what later ones leave out.
  return { hash, revision, compactRevision, ...(kept === 0 && hash !== whole && { hashBefore: whole }) }
}

/** Main revision of the key that is next; leaves of rows have no other keys. */
function takeMain(reader: RecordReader, base: number): number {
  const key = takeKey(reader, base)
  return key instanceof Uint8Array ? Infinity : key.main
}

/** `hash` followed by a run of rows, from the CRCs of its leaf up to its begin and up to its end. */
function withRun(hash: number, crcBefore: number, crcUpTo: number, bytes: number): number {
  return bytes === 0 ? hash : combineCrc32c(hash ^ crcBefore, crcUpTo, bytes)
}
