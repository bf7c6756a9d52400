import { chooseMeta, metaBytes, readMeta } from './meta.ts'
import type { Meta } from './meta.ts'
import { isRevision } from './revision.ts'
import {
  branchFlag,
  childOf,
  elementTable,
  headerBytes,
  leafFlag,
  maxDepth,
  maxRunBytes,
  readBucketValue,
  readElements,
  readHeader,
} from './page.ts'

/** A database of which pages may be lost. */
export interface LeftPages {
  /** Without a snapshot's trailer. */
  readonly bytes: number
  readonly pageBytes: number
  /** Undefined when the page is lost. */
  read(page: number): Promise<Uint8Array | undefined>
}

/** What is left of a database, and what is not, in the order of its keys. */
export type Salvaged =
  | { readonly kind: 'item'; readonly path: readonly Uint8Array[]; readonly key: Uint8Array; readonly value: Uint8Array }
  /** Comes before what is left in it. */
  | { readonly kind: 'bucket'; readonly path: readonly Uint8Array[]; readonly key: Uint8Array; readonly sequence: bigint }
  | LostRange

/** Items of a bucket, or buckets, from one key up to another are on a page that is lost. */
export interface LostRange {
  readonly kind: 'lost'
  /** Names of the buckets around them, outermost first; empty for top-level buckets. */
  readonly path: readonly Uint8Array[]
  /** No key is below it; undefined where the bucket begins. */
  readonly from: Uint8Array | undefined
  /** All keys are below it; undefined where the bucket ends. */
  readonly until: Uint8Array | undefined
  /** The page that is lost, or that says something else than its place in the tree. */
  readonly page: number
  /** Whether it was a leaf, as the pages beside it are, so that nothing else is lost with it; undefined where nothing tells. */
  readonly leaf: boolean | undefined
}

/** Where a subtree lies: its keys are in that range. */
type Range = Pick<LostRange, 'path' | 'from' | 'until'>

/**
 * Walks what can be read. Whatever is wrong counts as lost: nothing is thrown for it.
 * @param wanted subtrees of other ranges are passed over
 */
export async function* salvage(pages: LeftPages, wanted: (range: Range) => boolean = () => true): AsyncGenerator<Salvaged, void> {
  const meta = await readMetas(pages)
  const whole: Range = { path: [], from: undefined, until: undefined }
  if (meta === undefined) yield { kind: 'lost', ...whole, page: 0, leaf: undefined }
  else yield* visit({ pages, meta, wanted, reached: new Set() }, meta.root, whole, 0, async () => undefined)
}

/**
 * Revisions of the rows of bucket `key` on pages that can be read, whether or not the tree still leads there, some several times. Pages
 * that are free hold what they once held: rows that may be compacted away, but never others than there were.
 */
export async function* leftRevisions(pages: LeftPages): AsyncGenerator<Uint8Array, void> {
  const total = Math.floor(pages.bytes / pages.pageBytes)
  for (let page = 2; page < total; page++) for (const { key } of await rowsOnLeaf(pages, page)) yield key
}

export interface LeafRow {
  readonly key: Uint8Array
  readonly value: Uint8Array
}

/**
 * Elements of a leaf whose keys are revisions, whatever leads to it; none when the page is lost or no leaf, or when it once went on over
 * pages of which one now begins something else.
 */
export async function rowsOnLeaf(pages: LeftPages, page: number): Promise<LeafRow[]> {
  const meta = { pages: Math.floor(pages.bytes / pages.pageBytes) }
  const run = await readRun({ pages, meta }, page)
  if (run === undefined || !run.isLeaf || run.count === 0) return []
  const { bytes, view, count } = run
  for (let at = pages.pageBytes; at < bytes.length; at += pages.pageBytes) {
    const { id, flags } = readHeader(view, at)
    if (id === page + at / pages.pageBytes && (flags === leafFlag || flags === branchFlag)) return []
  }
  const table = elementTable(count)
  if (readElements(view, 0, bytes.length, true, count, table) !== undefined) return []
  const rows: LeafRow[] = []
  for (let cell = 0; cell < 4 * count; cell += 4) {
    const key = table.cells[cell + 1]
    const value = key + table.cells[cell + 2]
    if ((table.cells[cell] & 1) === 1 || !isRevision(view, key, table.cells[cell + 2])) continue
    rows.push({ key: bytes.subarray(key, value), value: bytes.subarray(value, value + table.cells[cell + 3]) })
  }
  return rows
}

interface Walk {
  readonly pages: LeftPages
  readonly meta: Meta
  readonly wanted: (range: Range) => boolean
  readonly reached: Set<number>
}

async function readMetas(pages: LeftPages): Promise<Meta | undefined> {
  const metas: (Meta | undefined)[] = []
  for (const page of [0, 1]) {
    const bytes = (page + 1) * pages.pageBytes <= pages.bytes ? await pages.read(page) : undefined
    metas.push(bytes && readMeta(bytes.subarray(0, metaBytes), 0, page))
  }
  try {
    return chooseMeta(metas, pages.pageBytes, pages.bytes)
  } catch {
    return undefined // Neither is left: nothing tells where the tree begins.
  }
}

/** @param isLeafLevel whether the pages beside it are leaves */
async function* visit(
  walk: Walk,
  page: number,
  range: Range,
  depth: number,
  isLeafLevel: () => Promise<boolean | undefined>,
): AsyncGenerator<Salvaged, void> {
  const lost = async (): Promise<LostRange> => ({ kind: 'lost', ...range, page, leaf: await isLeafLevel() })
  const run = depth > maxDepth || walk.reached.has(page) ? undefined : await readRun(walk, page)
  walk.reached.add(page)
  if (run === undefined) return yield await lost()
  const { bytes, view, isLeaf, count } = run
  const table = elementTable(count)
  if (readElements(view, 0, bytes.length, isLeaf, count, table) !== undefined) return yield await lost()
  const children = isLeaf ? [] : Array.from({ length: count }, (_, i) => childOf(view, 0, i))
  const keyOf = (i: number): Uint8Array => bytes.subarray(table.cells[4 * i + 1], table.cells[4 * i + 1] + table.cells[4 * i + 2])
  for (let i = 0; i < count; i++) {
    const key = keyOf(i)
    if (!isLeaf) {
      const until = i + 1 < count ? keyOf(i + 1) : range.until
      const below: Range = { path: range.path, from: i === 0 ? (range.from ?? key) : key, until }
      if (walk.wanted(below)) yield* visit(walk, children[i], below, depth + 1, () => areLeaves(walk, children))
      continue
    }
    const value = table.cells[4 * i + 1] + table.cells[4 * i + 2]
    const end = value + table.cells[4 * i + 3]
    if ((table.cells[4 * i] & 1) === 0) yield { kind: 'item', path: range.path, key, value: bytes.subarray(value, end) }
    else yield* bucketIn(walk, range.path, key, { bytes, start: value, end }, depth)
  }
}

/** @param value where that of the bucket's element lies */
async function* bucketIn(
  walk: Walk,
  path: readonly Uint8Array[],
  name: Uint8Array,
  { bytes, start, end }: { readonly bytes: Uint8Array; readonly start: number; readonly end: number },
  depth: number,
): AsyncGenerator<Salvaged, void> {
  const range: Range = { path: [...path, name], from: undefined, until: undefined }
  if (!walk.wanted(range)) return
  const bucket = readBucketValue(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), start, end)
  yield { kind: 'bucket', path, key: name, sequence: typeof bucket === 'string' ? 0n : bucket.sequence }
  if (typeof bucket !== 'string' && bucket.root !== 0) return yield* visit(walk, bucket.root, range, depth + 1, async () => undefined)
  const inline = bytes.subarray(start + headerBytes, end)
  const view = new DataView(inline.buffer, inline.byteOffset, inline.length)
  const table = elementTable()
  const isRead = typeof bucket !== 'string' && readElements(view, 0, inline.length, true, bucket.count, table) === undefined
  if (!isRead) return yield { kind: 'lost', ...range, page: 0, leaf: undefined }
  for (let cell = 0; cell < 4 * bucket.count; cell += 4) {
    const key = table.cells[cell + 1]
    const value = key + table.cells[cell + 2]
    const item = { key: inline.subarray(key, value), value: inline.subarray(value, value + table.cells[cell + 3]) }
    yield { kind: 'item', path: range.path, ...item }
  }
}

/** By the first of these pages that can be read: all leaves of a tree lie equally deep. */
async function areLeaves(walk: Walk, children: readonly number[]): Promise<boolean | undefined> {
  for (const page of children) {
    const run = await readRun(walk, page)
    if (run !== undefined) return run.isLeaf
  }
  return undefined
}

/** A page of a tree with its overflow; undefined when any of it is lost, or it is something else. */
async function readRun(
  { pages, meta }: { readonly pages: LeftPages; readonly meta: Pick<Meta, 'pages'> },
  page: number,
): Promise<{ bytes: Uint8Array; view: DataView; isLeaf: boolean; count: number } | undefined> {
  if (page < 2 || page >= meta.pages) return undefined
  const first = await pages.read(page)
  if (first === undefined || first.length < headerBytes) return undefined
  const { id, flags, count, overflow } = readHeader(new DataView(first.buffer, first.byteOffset, first.length), 0)
  const isTree = id === page && (flags === leafFlag || flags === branchFlag)
  if (!isTree || page + overflow >= meta.pages || (overflow + 1) * pages.pageBytes > maxRunBytes) return undefined
  const bytes = new Uint8Array((overflow + 1) * pages.pageBytes)
  bytes.set(first)
  for (let more = 1; more <= overflow; more++) {
    const next = await pages.read(page + more)
    if (next === undefined) return undefined
    bytes.set(next, more * pages.pageBytes)
  }
  return { bytes, view: new DataView(bytes.buffer), isLeaf: flags === leafFlag, count }
}
