import { fitting } from './earlier-look.ts'
import type { EarlierLook } from './earlier-look.ts'
import { fastLook, mostBytes } from './fast-look.ts'
import type { FastLook } from './fast-look.ts'
import { branchFlag, childOf, elementTable, freelistFlag, leafFlag, maxRunBytes, metaFlag, readElements, readFreelist } from './page.ts'
import { compareElements, putKey } from './key-order.ts'
import { encodeLook, putInvalid, records } from './look-format.ts'
import { putLeaf } from './look-leaf.ts'
import type { Rows } from './look-leaf.ts'
import { metaBytes } from './meta.ts'
import { putBytes, putNumber, putRaw, recordWriter } from './record.ts'

/** Plain data, the same for every segment of a stream. */
export interface LookPlan {
  readonly pageBytes: number
  /** Any 32 bits; looks of one stream must share it. */
  readonly seed: number
}

// Pages that nobody references any more may claim overflow that covers others, each page of it again. What all runs of
// a segment together may measure, as a multiple of its bytes, so that looking takes no more than linear time.
export const maxOverlap = 8

const out = recordWriter()
const rows: Rows = { cells: new Uint32Array(8192), length: 0 }
const table = elementTable()

/**
 * The worker's half of a status: what the pages that begin in this segment say, for `statusCollector`. A function of
 * its arguments alone, and never one that throws on what it reads: which pages matter is known only at the end, so a bad one is noted as bad.
 * A page within another's overflow is looked at like any other, for that other one may be stale.
 * `position` is the segment's place in the stream in bytes; `bytes` may be shared memory and need not begin with a page.
 * Records of pages that are the same are taken from `earlier`, where the segment begins with a page.
 */
export function lookSegment(bytes: Uint8Array, position: number, plan: LookPlan, earlier?: EarlierLook): Uint8Array {
  const firstPage = Math.ceil(position / plan.pageBytes)
  const start = firstPage * plan.pageBytes - position
  const pages = Math.max(0, Math.floor((bytes.length - start) / plan.pageBytes))
  return lookPages(bytes, start, firstPage, pages, plan, start === 0 ? earlier : undefined)
}

/** Looks at `pages` pages from `firstPage`, which lies at `start`; their overflow may reach to the end of `bytes`. */
export function lookPages(
  bytes: Uint8Array,
  start: number,
  firstPage: number,
  pages: number,
  plan: LookPlan,
  earlier?: EarlierLook,
): Uint8Array {
  if (bytes.length > mostBytes) return lookPagesSlowly(bytes, start, firstPage, pages, plan)
  const { pageBytes, seed } = plan
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const found = fastLook(bytes, start, firstPage, pages, plan, earlier && fitting(earlier, firstPage, pages))
  if (found.left.length === 0) return encodeLook({ firstPage, ...found })
  const index = found.index.slice()
  const ends = found.ends.slice()
  takeOver(found)
  for (const left of found.left) {
    const i = left >>> 1
    index[i] = out.length + 1
    putPage(view, start + i * pageBytes, pageBytes, (left & 1) === 0, seed)
    ends[i] = out.length
  }
  return encodeLook({ firstPage, index, ends, unfinished: found.unfinished, rows: rowsSoFar(), records: recordsSoFar() })
}

/** The same without `fastLook`, for pieces of any length. */
export function lookPagesSlowly(bytes: Uint8Array, start: number, firstPage: number, pages: number, plan: LookPlan): Uint8Array {
  const { pageBytes, seed } = plan
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const index = new Uint32Array(pages)
  const ends = new Uint32Array(pages)
  const unfinished: number[] = []
  let overlapLeft = maxOverlap * bytes.length
  out.length = 0
  rows.length = 0
  for (let i = 0, at = start; i < pages; i++, at += pageBytes) {
    const page = firstPage + i
    if (view.getUint32(at, true) !== page || view.getUint32(at + 4, true) !== 0) continue
    const flags = view.getUint16(at + 8, true)
    if (flags !== leafFlag && flags !== branchFlag && flags !== freelistFlag && (flags !== metaFlag || page > 1)) continue
    const overflow = overflowOf(view, at)
    const runBytes = (overflow + 1) * pageBytes
    const readable = runBytes <= maxRunBytes || overflow === 0
    if (readable && at + runBytes > bytes.length) {
      unfinished.push(i)
      continue
    }
    if (overflow > 0 && readable) overlapLeft -= runBytes
    index[i] = out.length + 1
    putPage(view, at, pageBytes, readable && (overflow === 0 || overlapLeft >= 0), seed)
    ends[i] = out.length
  }
  return encodeLook({ firstPage, index, ends, unfinished: Uint32Array.from(unfinished), rows: rowsSoFar(), records: recordsSoFar() })
}

/** Goes on behind what was found. */
function takeOver(found: FastLook): void {
  if (rows.cells.length < found.rows.length) rows.cells = new Uint32Array(2 * found.rows.length)
  rows.cells.set(found.rows)
  rows.length = found.rows.length
  out.length = 0
  putRaw(out, found.records)
}

function rowsSoFar(): Uint32Array {
  return rows.cells.subarray(0, rows.length)
}

function recordsSoFar(): Uint8Array {
  return out.bytes.subarray(0, out.length)
}

function overflowOf(view: DataView, at: number): number {
  return view.getUint16(at + 8, true) === metaFlag ? 0 : view.getUint32(at + 12, true)
}

/** The record of the page at `at`, which is one of a tree. */
function putPage(view: DataView, at: number, pageBytes: number, readable: boolean, seed: number): void {
  const flags = view.getUint16(at + 8, true)
  const overflow = overflowOf(view, at)
  const end = at + (overflow + 1) * pageBytes
  const before = out.length
  if (!readable) {
    putNumber(out, records.unread)
    putNumber(out, overflow)
  } else if (flags === leafFlag) {
    putNumber(out, records.leaf)
    putNumber(out, overflow)
    putLeaf(view, at, end, view.getUint16(at + 10, true), seed, out, rows, before)
  } else if (flags === branchFlag) putBranch(view, at, end, overflow, before)
  else if (flags === freelistFlag) putFreelist(view, at, end, overflow)
  else {
    putNumber(out, records.meta)
    putBytes(out, view, at, metaBytes)
  }
}

function putBranch(view: DataView, start: number, end: number, overflow: number, before: number): void {
  const count = view.getUint16(start + 10, true)
  const reason = count === 0 ? 'branch without children' : readElements(view, start, end, false, count, table)
  if (reason !== undefined) return putInvalid(out, 'page', reason)
  putNumber(out, records.branch)
  putNumber(out, overflow)
  putNumber(out, count)
  for (let i = 0, base = 0; i < count; i++) {
    if (i > 0 && compareElements(view, table, i - 1, i) >= 0) {
      out.length = before
      return putInvalid(out, 'order', `key ${i} does not ascend`)
    }
    base = putKey(out, view, table.cells[4 * i + 1], table.cells[4 * i + 2], base)
    putNumber(out, Math.min(childOf(view, start, i), Number.MAX_SAFE_INTEGER))
  }
}

function putFreelist(view: DataView, start: number, end: number, overflow: number): void {
  const ids = readFreelist(view, start, end)
  if (typeof ids === 'string') return putInvalid(out, 'freelist', ids)
  putNumber(out, records.freelist)
  putNumber(out, overflow)
  putNumber(out, ids.length)
  let base = 0
  for (const id of ids) {
    putNumber(out, Math.min(id, Number.MAX_SAFE_INTEGER) - base)
    base = id
  }
}
