import { BoltError } from './errors.ts'
import { compareKeys } from './key-order.ts'
import { chooseMeta, metaBytes, readMeta } from './meta.ts'
import type { Meta } from './meta.ts'
import {
  branchFlag, checkRange, childOf, elementTable, freelistFlag, headerBytes, leafFlag, maxDepth, maxRunBytes, reachedPages, readBucketValue, readElements,
  readFreelist, readHeader,
} from './page.ts' // prettier-ignore
import type { ReachedPages } from './page.ts'
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

/**
 * All buckets and items in key order, nested buckets right behind their name. Checks what it comes by (ranges, types, each page
 * reached once, key order, depth), and after the last item the freelist where one is stored.
 * @throws BoltError
 */
export async function* walk(bolt: Bolt): AsyncGenerator<BoltItem, void> {
  const reached = reachedPages(bolt.meta.pages)
  yield* walkTree({ bolt, reached, path: [], last: undefined }, bolt.meta.root, 0, undefined)
  await checkFreelist(bolt, reached)
}

interface TreeWalk {
  readonly bolt: Bolt
  readonly reached: ReachedPages
  readonly path: readonly Uint8Array[]
  /** The key before, of the same tree. */
  last: Uint8Array | undefined
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

async function* walkTree(walk: TreeWalk, page: number, depth: number, floor: Uint8Array | undefined): AsyncGenerator<BoltItem, void> {
  if (depth > maxDepth) throw new BoltError('depth', `page ${page} lies deeper than ${maxDepth} levels`, page)
  const { bytes, view, flags, count } = await readRun(walk.bolt, walk.reached, page)
  if (flags === leafFlag) {
    if (count === 0 && floor !== undefined) throw new BoltError('page', `page ${page} is an empty leaf below a branch`, page)
    return yield* walkLeaf(walk, page, bytes, 0, bytes.length, count, depth, floor)
  }
  if (flags !== branchFlag) throw new BoltError('page', `page ${page} is neither branch nor leaf`, page)
  const children = readChildren(bytes, view, count, page)
  for (const [i, { key, child }] of children.entries()) {
    checkOrder(walk, key, i === 0 ? floor : children[i - 1].key, page)
    yield* walkTree(walk, child, depth + 1, key)
  }
}

function readChildren(bytes: Uint8Array, view: DataView, count: number, page: number): { key: Uint8Array; child: number }[] {
  const table = elementTable()
  const reason = count === 0 ? 'branch without children' : readElements(view, 0, bytes.length, false, count, table)
  if (reason !== undefined) throw new BoltError('page', `page ${page}: ${reason}`, page)
  return Array.from({ length: count }, (_, i) => ({
    key: bytes.subarray(table.cells[4 * i + 1], table.cells[4 * i + 1] + table.cells[4 * i + 2]),
    child: childOf(view, 0, i),
  }))
}

function checkOrder(walk: TreeWalk, key: Uint8Array, floor: Uint8Array | undefined, page: number): void {
  if (walk.last !== undefined && compareKeys(key, walk.last) <= 0) throw new BoltError('order', `page ${page}: keys do not ascend`, page)
  if (floor !== undefined && compareKeys(key, floor) < 0) throw new BoltError('order', `page ${page} begins below its branch key`, page)
}

async function* walkLeaf(
  walk: TreeWalk,
  page: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  count: number,
  depth: number,
  floor: Uint8Array | undefined,
): AsyncGenerator<BoltItem, void> {
  // prettier-ignore
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const table = elementTable()
  const reason = readElements(view, start, end, true, count, table)
  if (reason !== undefined) throw new BoltError('page', `page ${page}: ${reason}`, page)
  for (let cell = 0; cell < 4 * count; cell += 4) {
    const [flags, at, keyBytes, valueBytes] = table.cells.subarray(cell, cell + 4)
    const value = at + keyBytes
    const key = bytes.subarray(at, value)
    checkOrder(walk, key, cell === 0 ? floor : undefined, page)
    walk.last = key
    if (flags & 1) yield* walkBucket(walk, page, bytes, key, value, value + valueBytes, depth)
    else if (walk.path.length === 0) throw new BoltError('bucket', `page ${page}: the root holds what is no bucket`, page)
    else yield { path: walk.path, key, value: bytes.subarray(value, value + valueBytes), sequence: undefined }
  }
}

async function* walkBucket(
  walk: TreeWalk,
  page: number,
  bytes: Uint8Array,
  key: Uint8Array,
  start: number,
  end: number,
  depth: number,
): AsyncGenerator<BoltItem, void> {
  const bucket = readBucketValue(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), start, end)
  if (typeof bucket === 'string') throw new BoltError('bucket', `page ${page}: ${bucket}`, page)
  yield { path: walk.path, key, value: undefined, sequence: bucket.sequence }
  const inside: TreeWalk = { ...walk, path: [...walk.path, key], last: undefined }
  if (bucket.root !== 0) yield* walkTree(inside, bucket.root, depth + 1, undefined)
  else
    for await (const item of walkLeaf(inside, page, bytes, start + headerBytes, end, bucket.count, depth, undefined)) {
      if (item.value === undefined) throw new BoltError('bucket', `page ${page}: bucket inside an inline bucket`, page)
      yield item
    }
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
