import { BoltError } from './errors.ts'

export const headerBytes = 16
export const elementBytes = 16
export const branchFlag = 1
export const leafFlag = 2
export const metaFlag = 4
export const freelistFlag = 16
/** The longest run of a page and its overflow that is read: requests to etcd end at 1.5 MiB unless it is told otherwise. */
export const maxRunBytes = 64 << 20
/** No tree of bbolt is deeper, its nested buckets included. */
export const maxDepth = 64

export interface PageHeader {
  readonly id: number
  readonly flags: number
  readonly count: number
  readonly overflow: number
}

export function writeHeader(view: DataView, at: number, { id, flags, count, overflow }: PageHeader): void {
  view.setBigUint64(at, BigInt(id), true)
  view.setUint16(at + 8, flags, true)
  view.setUint16(at + 10, count, true)
  view.setUint32(at + 12, overflow, true)
}

export function readHeader(view: DataView, at: number): PageHeader {
  return {
    id: readU64(view, at),
    flags: view.getUint16(at + 8, true),
    count: view.getUint16(at + 10, true),
    overflow: view.getUint32(at + 12, true),
  }
}

/** Exact below 2^53; ids above are out of every range anyway. */
export function readU64(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * 4294967296 + view.getUint32(at, true)
}

/** Where the keys and values of a page lie: four cells an element. Filled anew for every page. */
export interface ElementTable {
  /** Flags (leaf only), start of the key in the view, bytes of the key, bytes of the value that follows it. */
  cells: Uint32Array
  /** True when nothing lies between the elements: from the first key to the last value is one region. */
  contiguous: boolean
}

/** Room for `count` elements to begin with. */
export function elementTable(count = 256): ElementTable {
  return { cells: new Uint32Array(4 * count), contiguous: false }
}

/**
 * Fills `table` with the elements of the page that lies in `view` from `start` to `end`.
 * bbolt writes keys and values in the order of the elements, so one that begins before the end of its forerunner is refused: thus
 * no page has more key and value bytes than it is long.
 * Returns what is wrong, or undefined.
 */
export function readElements(
  view: DataView,
  start: number,
  end: number,
  leaf: boolean,
  count: number,
  table: ElementTable,
): string | undefined {
  const elements = start + headerBytes
  let behind = elements + elementBytes * count
  if (behind > end) return `${count} elements do not fit into ${end - start} bytes`
  if (table.cells.length < 4 * count) table.cells = new Uint32Array(8 * count)
  const cells = table.cells
  const lead = leaf ? 4 : 0
  let gaps = 0
  for (let i = 0, at = elements, cell = 0; i < count; i++, at += elementBytes, cell += 4) {
    const key = at + view.getUint32(at + lead, true)
    const keyBytes = view.getUint32(at + lead + 4, true)
    const valueBytes = leaf ? view.getUint32(at + 12, true) : 0
    if (key < behind) return `element ${i} begins inside what lies before it`
    if (keyBytes === 0) return `element ${i} has an empty key`
    if (key + keyBytes + valueBytes > end) return `element ${i} ends outside the page`
    if (i > 0) gaps += key - behind
    behind = key + keyBytes + valueBytes
    cells[cell] = leaf ? view.getUint32(at, true) : 0
    cells[cell + 1] = key
    cells[cell + 2] = keyBytes
    cells[cell + 3] = valueBytes
  }
  table.contiguous = gaps === 0
  return undefined
}

/** Child of element `i` of the branch page at `start`. */
export function childOf(view: DataView, start: number, i: number): number {
  return readU64(view, start + headerBytes + elementBytes * i + 8)
}

export interface BucketValue {
  /** Page of the bucket's tree, 0 when its only leaf is inline. */
  readonly root: number
  readonly sequence: bigint
  /** Elements of the inline leaf. */
  readonly count: number
}

/** What of a bucket element's value stands before its items: the value lies in `view` from `start` to `end`. Returns what is wrong, or the header. */
export function readBucketValue(view: DataView, start: number, end: number): BucketValue | string {
  if (end - start < headerBytes) return `bucket header of ${end - start} bytes`
  const root = readU64(view, start)
  const sequence = view.getBigUint64(start + 8, true)
  if (root !== 0) return { root, sequence, count: 0 }
  if (end - start < 2 * headerBytes) return `inline bucket of ${end - start} bytes`
  const { flags, count, overflow } = readHeader(view, start + headerBytes)
  if (flags !== leafFlag || overflow !== 0) return `inline bucket with page flags ${flags} and overflow ${overflow}`
  return { root, sequence, count }
}

/** Page ids of a freelist page, ascending. Returns what is wrong, or the ids. */
export function readFreelist(view: DataView, start: number, end: number): number[] | string {
  let count = view.getUint16(start + 10, true)
  let at = start + headerBytes
  if (count === 0xffff) {
    if (at + 8 > end) return 'freelist without its count'
    count = readU64(view, at)
    at += 8
  }
  if (at + 8 * count > end) return `freelist of ${count} pages does not fit into ${end - start} bytes`
  const ids: number[] = []
  for (let i = 0, before = 0; i < count; i++, at += 8) {
    const id = readU64(view, at)
    if (id <= before) return `free pages do not ascend at ${id}`
    ids.push(id)
    before = id
  }
  return ids
}

/** The pages of a database that a walk has come by: each may be reached once. */
export interface ReachedPages {
  /** A bit a page, the lowest first. */
  readonly bits: Uint8Array
  /** Marks the page and its overflow. @throws BoltError range, shared */
  reach(page: number, overflow: number): void
  has(page: number): boolean
}

export function reachedPages(pages: number): ReachedPages {
  const bits = new Uint8Array(Math.ceil(pages / 8))
  const has = (page: number) => (bits[page >> 3] & (1 << (page & 7))) !== 0
  return {
    bits,
    has,
    reach(page, overflow) {
      checkRange(page, pages)
      if (page + overflow >= pages)
        throw new BoltError('range', `page ${page} with ${overflow} more crosses the high-water mark ${pages}`, page)
      for (let id = page; id <= page + overflow; id++) {
        if (has(id)) throw new BoltError('shared', `page ${id} is referenced twice`, id)
        bits[id >> 3] |= 1 << (id & 7)
      }
    },
  }
}

/** @throws BoltError range */
export function checkRange(page: number, pages: number): void {
  if (page < 2 || page >= pages) throw new BoltError('range', `page ${page} is outside 2 to ${pages - 1}`, page)
}
