import type { RecordReader } from './record.ts'
import { takeNumber } from './record.ts'
import type { PageRecord } from './looks.ts'

/** A leaf of bucket `key`: its record from the CRC of the region on, and which user key each of its rows is of. */
export interface RowLeaf {
  readonly reader: RecordReader
  readonly rows: Uint32Array
  readonly count: number
}

/** The rows of bucket `key`, gathered in their order: which counts for each user key, and where they are. */
export interface History {
  /** Live user keys. */
  readonly kept: number
  /** Whether it is the newest row of its user key, and no tombstone. @param row counted from 1 */
  isNewest(cell: number, row: number): boolean
  /** @param page where the leaf is; undefined when it is inline, and then there is no other */
  take(leaf: RowLeaf, firstRow: number, page: number | undefined): void
  /** All of them, in order, from the beginning each time. */
  leaves(open: (page: number) => PageRecord): Iterable<RowLeaf>
}

/** Holds 4 bytes a user key and 4 a leaf. */
export function newHistory(keyCount: number): History {
  const newest = new Uint32Array(keyCount)
  let kept = 0
  let rowCount = 0
  let pages = new Uint32Array(1024)
  let leafCount = 0
  let inline: RowLeaf | undefined

  function note(page: number): void {
    if (leafCount === pages.length) {
      const wider = new Uint32Array(2 * leafCount)
      wider.set(pages)
      pages = wider
    }
    pages[leafCount++] = page
  }

  return {
    get kept() {
      return kept
    },
    isNewest: (cell, row) => newest[cell >>> 1] === row,
    take(leaf, firstRow, page) {
      const { rows, count } = leaf
      for (let i = firstRow; i < firstRow + count; i++) {
        const key = rows[i] >>> 1
        const isLive = (rows[i] & 1) === 0
        rowCount++
        kept += Number(isLive) - Number(newest[key] !== 0)
        newest[key] = isLive ? rowCount : 0
      }
      if (page === undefined) inline = leaf
      else note(page)
    },
    *leaves(open) {
      if (inline !== undefined) yield { ...inline, reader: { ...inline.reader } }
      for (let i = 0; i < leafCount; i++) {
        const { reader, rows } = open(pages[i])
        // What the record begins with was read when the leaf was taken: that it is a leaf of rows, and its overflow.
        for (let known = 0; known < 3; known++) takeNumber(reader)
        yield { reader, rows, count: takeNumber(reader) }
      }
    },
  }
}
