import { takeKey } from '../src/key-order.ts'
import { decodeLook, leaves, records, skipRowByRow } from '../src/look-format.ts'
import type { Look } from '../src/look-format.ts'
import { takeBytes, takeNumber } from '../src/record.ts'
import type { RecordReader } from '../src/record.ts'

/** What a look says, without where in it things stand. */
export interface Said {
  readonly firstPage: number
  readonly unfinished: readonly number[]
  /** For each page its record without the indexes of rows, then these rows, as hexadecimal numbers; empty when it has none. */
  readonly pages: readonly string[]
}

/** @throws Error when a record does not end where the look says */
export function saidBy(look: Uint8Array): Said {
  const parts = decodeLook(look)
  return { firstPage: parts.firstPage, unfinished: [...parts.unfinished], pages: Array.from(parts.index, (_, page) => pageOf(parts, page)) }
}

/** The record of a page as it stands there. */
export function recordOf(look: Uint8Array, page: number): Uint8Array {
  const { index, ends, records } = decodeLook(look)
  return records.slice(index[page]! - 1, ends[page])
}

function pageOf({ index, ends, rows, records: bytes }: Look, page: number): string {
  const place = index[page]!
  if (place === 0 && ends[page] === 0) return ''
  const reader = { bytes, at: place - 1 }
  const rowIndexes: [start: number, end: number][] = []
  const itsRows: number[] = []
  if (takeNumber(reader) === records.leaf) {
    takeNumber(reader)
    leaf(reader, (start, end, first, count) => {
      rowIndexes.push([start, end])
      itsRows.push(...rows.subarray(2 * first, 2 * (first + count)))
    })
    if (reader.at !== ends[page]) throw new Error(`the record of page ${page} ends at ${reader.at}, not at ${ends[page]}`)
  }
  const cuts = [place - 1, ...rowIndexes.flat(), ends[page]!]
  const text = cuts.map((cut, i) => (i % 2 === 1 ? Buffer.from(bytes.subarray(cuts[i - 1], cut)).toString('hex') : '')).join('')
  return `${text} ${itsRows.map((word) => word.toString(16)).join()}`
}

type TakeRows = (indexStart: number, indexEnd: number, first: number, count: number) => void

function leaf(reader: RecordReader, takeRows: TakeRows): void {
  const kind = takeNumber(reader)
  const count = takeNumber(reader)
  if (kind === leaves.empty) return
  if (kind === leaves.buckets || kind === leaves.bucketsWithRows) {
    for (let i = 0; i < count; i++) element(reader, takeRows)
    return
  }
  reader.at += 4
  takeNumber(reader)
  if (kind === leaves.rows) {
    const start = reader.at
    const first = takeNumber(reader)
    takeRows(start, reader.at, first, count)
  }
  const key = takeKey(reader, 0)
  takeKey(reader, key instanceof Uint8Array ? 0 : key.main)
  if (kind === leaves.rows) return skipRowByRow(reader, count)
  for (let left = takeNumber(reader); left > 0; left--) {
    takeNumber(reader)
    takeBytes(reader)
  }
}

function element(reader: RecordReader, takeRows: TakeRows): void {
  const isBucket = takeNumber(reader) === 1
  takeBytes(reader)
  if (!isBucket) {
    reader.at += 4
    takeNumber(reader)
  } else if (takeNumber(reader) === 0) leaf(reader, takeRows)
}
