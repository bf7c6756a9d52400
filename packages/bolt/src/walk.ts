import { BoltError } from './errors.ts'
import { compareElements, compareKeys } from './key-order.ts'
import { chooseMeta, metaBytes, readMeta } from './meta.ts'
import type { Meta } from './meta.ts'
import {
  branchFlag, checkRange, childOf, elementTable, freelistFlag, headerBytes, leafFlag, maxDepth, maxRunBytes, reachedPages, readBucketValue, readElements,
  readFreelist, readHeader,
} from './page.ts' // prettier-ignore
import type { ElementTable, ReachedPages } from './page.ts'
import type { Pages } from './pages.ts'

export interface Bolt {
  readonly pages: Pages
  readonly meta: Meta
}

/** An element of a leaf, in the order of the tree. The arrays are views of its page. */
export interface BoltItem {
  /** Names of the buckets around it, outermost first; empty for a top-level bucket. */
  readonly path: readonly Uint8Array[]
  readonly key: Uint8Array
  /** Of an item; undefined when it is a bucket, whose items follow. */
  readonly value: Uint8Array | undefined
  /** Of a bucket. */
  readonly sequence: bigint | undefined
}

/** @throws BoltError not-bolt, truncated */
export async function openBolt(pages: Pages): Promise<Bolt> {
  const metas: (Meta | undefined)[] = []
  for (const page of [0, 1]) {
    if ((page + 1) * pages.pageBytes > pages.bytes) break
    metas.push(readMeta((await pages.read(page, 1)).subarray(0, metaBytes), 0, page))
  }
  return { pages, meta: chooseMeta(metas, pages.pageBytes, pages.bytes) }
}

/** A bucket on the way: the keys of its tree ascend. */
interface Tree {
  readonly path: readonly Uint8Array[]
  last: Uint8Array | undefined
}

/** A page, or an inline leaf, of which the elements before `next` are done. */
interface Frame {
  readonly tree: Tree
  readonly page: number
  readonly bytes: Uint8Array
  readonly view: DataView
  readonly leaf: boolean
  readonly inline: boolean
  readonly table: ElementTable
  readonly count: number
  /** No key of the page is below it. */
  readonly floor: Uint8Array | undefined
  next: number
}

/**
 * All buckets and items in key order, nested buckets right behind their name. Checks what it comes by (ranges, types, each page
 * reached once, key order, depth), and after the last item the freelist where one is stored. With `only`, goes through that
 * top-level bucket alone, and checks nothing else.
 * @throws BoltError
 */
export async function* walk(bolt: Bolt, only?: string): AsyncGenerator<BoltItem, void> {
  const wanted = only === undefined ? undefined : Buffer.from(only)
  const reached = reachedPages(bolt.meta.pages)
  const frames = [await enterPage(bolt, reached, { path: [], last: undefined }, bolt.meta.root, 0, undefined)]
  for (let frame = frames.at(-1); frame; frame = frames.at(-1)) {
    if (frame.next === frame.count) {
      frames.pop()
      continue
    }
    const { tree, page, bytes, view, table } = frame
    const i = frame.next++
    const start = table.cells[4 * i + 1]
    const value = start + table.cells[4 * i + 2]
    const key = bytes.subarray(start, value)
    checkOrder(tree, key, i === 0 ? frame.floor : undefined, page)
    if (!frame.leaf) {
      frames.push(await enterPage(bolt, reached, tree, childOf(view, 0, i), frames.length, key))
      continue
    }
    tree.last = key
    const end = value + table.cells[4 * i + 3]
    if ((table.cells[4 * i] & 1) === 0) {
      if (tree.path.length === 0) throw new BoltError('bucket', `page ${page}: the root holds what is no bucket`, page)
      yield { path: tree.path, key, value: bytes.subarray(value, end), sequence: undefined }
      continue
    }
    if (wanted !== undefined && tree.path.length === 0 && !wanted.equals(key)) continue
    if (frame.inline) throw new BoltError('bucket', `page ${page}: bucket inside an inline bucket`, page)
    const bucket = readBucketValue(view, value, end)
    if (typeof bucket === 'string') throw new BoltError('bucket', `page ${page}: ${bucket}`, page)
    yield { path: tree.path, key, value: undefined, sequence: bucket.sequence }
    const inside: Tree = { path: [...tree.path, key], last: undefined }
    if (bucket.root !== 0) frames.push(await enterPage(bolt, reached, inside, bucket.root, frames.length, undefined))
    else frames.push(enterInline(frame, inside, value + headerBytes, end, bucket.count))
  }
  if (only === undefined) await checkFreelist(bolt, reached)
}

function checkOrder({ last }: Tree, key: Uint8Array, floor: Uint8Array | undefined, page: number): void {
  if (last !== undefined && compareKeys(key, last) <= 0) throw new BoltError('order', `page ${page}: keys do not ascend`, page)
  if (floor !== undefined && compareKeys(key, floor) < 0) throw new BoltError('order', `page ${page} begins below its branch key`, page)
}

async function enterPage(
  bolt: Bolt,
  reached: ReachedPages,
  tree: Tree,
  page: number,
  depth: number,
  floor: Uint8Array | undefined,
): Promise<Frame> {
  if (depth > maxDepth) throw new BoltError('depth', `page ${page} lies deeper than ${maxDepth} levels`, page)
  const { bytes, view, flags, count } = await readRun(bolt, reached, page)
  if (flags !== leafFlag && flags !== branchFlag) throw new BoltError('page', `page ${page} is neither branch nor leaf`, page)
  if (count === 0 && (flags === branchFlag || floor !== undefined)) throw new BoltError('page', `page ${page} has no elements`, page)
  const leaf = flags === leafFlag
  return { tree, page, bytes, view, leaf, inline: false, table: readTable(view, page, 0, bytes.length, leaf, count), count, floor, next: 0 }
}

function enterInline({ page, bytes, view }: Frame, tree: Tree, start: number, end: number, count: number): Frame {
  return {
    tree,
    page,
    bytes,
    view,
    leaf: true,
    inline: true,
    table: readTable(view, page, start, end, true, count),
    count,
    floor: undefined,
    next: 0,
  }
}

/** The elements of a page. The keys of a branch, which come up one by one with whole trees between them, are compared at once. */
function readTable(view: DataView, page: number, start: number, end: number, leaf: boolean, count: number): ElementTable {
  const table = elementTable(count)
  const reason = readElements(view, start, end, leaf, count, table)
  if (reason !== undefined) throw new BoltError('page', `page ${page}: ${reason}`, page)
  if (leaf) return table
  for (let i = 1; i < count; i++) {
    if (compareElements(view, table, i - 1, i) >= 0) throw new BoltError('order', `page ${page}: key ${i} does not ascend`, page)
  }
  return table
}

interface Run {
  readonly bytes: Uint8Array
  readonly view: DataView
  readonly flags: number
  readonly count: number
}

/** The page with its overflow, reached for the first time. */
async function readRun({ pages, meta }: Bolt, reached: ReachedPages, page: number): Promise<Run> {
  checkRange(page, meta.pages)
  let bytes = await pages.read(page, 1)
  let view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const { id, flags, count, overflow } = readHeader(view, 0)
  if (id !== page) throw new BoltError('page', `page ${page} says that it is page ${id}`, page)
  reached.reach(page, overflow)
  if ((overflow + 1) * pages.pageBytes > maxRunBytes && overflow > 0) {
    throw new BoltError('unread', `page ${page} and its overflow are longer than what is read, ${maxRunBytes} bytes`, page)
  }
  if (overflow > 0) {
    bytes = await pages.read(page, overflow + 1)
    view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }
  return { bytes, view, flags, count }
}

async function checkFreelist(bolt: Bolt, reached: ReachedPages): Promise<void> {
  const page = bolt.meta.freelist
  if (page === undefined) return
  const { bytes, view, flags } = await readRun(bolt, reached, page)
  if (flags !== freelistFlag) throw new BoltError('page', `page ${page} is no freelist`, page)
  const ids = readFreelist(view, 0, bytes.length)
  if (typeof ids === 'string') throw new BoltError('freelist', `page ${page}: ${ids}`, page)
  let next = 0
  for (let id = 2; id < bolt.meta.pages; id++) {
    if (!reached.has(id) && ids[next++] !== id)
      throw new BoltError('freelist', `page ${id} is free and not in the freelist, or the other way round`, page)
  }
  if (next < ids.length) throw new BoltError('freelist', `the freelist holds ${ids.length - next} pages that are not free`, page)
}
