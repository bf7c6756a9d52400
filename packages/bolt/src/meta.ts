import { BoltError } from './errors.ts'
import { headerBytes, metaFlag, readU64 } from './page.ts'

/** Bytes of a meta page that mean something, its header included. */
export const metaBytes = 80
const magic = 0xed0cdaed
const smallestPage = 1024
const largestPage = 16 << 20
const noFreelist = 0xffffffffffffffffn

/** A valid meta page (bbolt format version 2). */
export interface Meta {
  readonly pageBytes: number
  /** Root page of the bucket of buckets. */
  readonly root: number
  /** Page of the freelist; undefined when none is stored, as etcd does on Linux. */
  readonly freelist: number | undefined
  /** High-water mark: the first page id never used. */
  readonly pages: number
  readonly txid: bigint
}

/** The meta page `index` (0 or 1) at `at`, or undefined when there is no valid one. The transaction's parity is not looked at: snapshots break it. */
export function readMeta(bytes: Uint8Array, at: number, index: number): Meta | undefined {
  if (at + metaBytes > bytes.length) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, metaBytes)
  if (readU64(view, 0) !== index || view.getUint16(8, true) !== metaFlag) return undefined
  if (view.getUint32(16, true) !== magic || view.getUint32(20, true) !== 2) return undefined
  if (fnv1a(view, headerBytes, 72) !== view.getBigUint64(72, true)) return undefined
  const pageBytes = view.getUint32(24, true)
  if (!isPageSize(pageBytes)) return undefined
  return {
    pageBytes,
    root: readU64(view, 32),
    freelist: view.getBigUint64(48, true) === noFreelist ? undefined : readU64(view, 48),
    pages: readU64(view, 56),
    txid: view.getBigUint64(64, true),
  }
}

/** The header and content of a meta page of a database that has no freelist stored, as etcd has it on Linux. `index` is 0 or 1. */
export function metaPage(index: number, { pageBytes, root, pages, txid }: Omit<Meta, 'freelist'>): Uint8Array {
  const bytes = new Uint8Array(metaBytes)
  const view = new DataView(bytes.buffer)
  view.setBigUint64(0, BigInt(index), true)
  view.setUint16(8, metaFlag, true)
  view.setUint32(16, magic, true)
  view.setUint32(20, 2, true)
  view.setUint32(24, pageBytes, true)
  view.setBigUint64(32, BigInt(root), true)
  view.setBigUint64(48, noFreelist, true)
  view.setBigUint64(56, BigInt(pages), true)
  view.setBigUint64(64, txid, true)
  view.setBigUint64(72, fnv1a(view, headerBytes, 72), true)
  return bytes
}

/** FNV-1a of 64 bits. */
function fnv1a(view: DataView, start: number, end: number): bigint {
  let hash = 0xcbf29ce484222325n
  for (let at = start; at < end; at++) hash = ((hash ^ BigInt(view.getUint8(at))) * 0x100000001b3n) & 0xffffffffffffffffn
  return hash
}

function isPageSize(bytes: number): boolean {
  return bytes >= smallestPage && bytes <= largestPage && (bytes & (bytes - 1)) === 0
}

/** Where the second meta page may lie: one page in, whatever the size of a page. */
export function* metaPositions(): Generator<number> {
  for (let at = smallestPage; at <= largestPage; at *= 2) yield at
}

/**
 * Page size by the first bytes of a database; undefined when they hold no valid meta page. The second one is found
 * when the first is damaged and `head` reaches as far.
 * @throws BoltError big-endian
 */
export function findPageBytes(head: Uint8Array): number | undefined {
  const first = readMeta(head, 0, 0)
  if (first) return first.pageBytes
  for (const at of metaPositions()) {
    if (readMeta(head, at, 1)?.pageBytes === at) return at
  }
  refuseBigEndian(head)
  return undefined
}

function refuseBigEndian(head: Uint8Array): void {
  if (head.length < metaBytes) return
  const view = new DataView(head.buffer, head.byteOffset, head.length)
  if (view.getUint32(16) === magic && view.getUint32(20) === 2) {
    throw new BoltError('big-endian', 'the database was written on a big-endian machine', 0)
  }
}

/** Of the two meta pages the one that counts: valid, with the highest transaction. `bytes` is the database's length without a trailer. @throws BoltError not-bolt, truncated */
export function chooseMeta(metas: readonly (Meta | undefined)[], pageBytes: number, bytes: number): Meta {
  const valid = metas.filter((meta) => meta?.pageBytes === pageBytes) as Meta[]
  if (valid.length === 0) throw new BoltError('not-bolt', 'no valid meta page')
  const meta = valid.reduce((best, other) => (other.txid > best.txid ? other : best))
  if (meta.pages < 3) throw new BoltError('range', `the high-water mark is ${meta.pages}`)
  if (meta.pages * pageBytes > bytes) {
    throw new BoltError('truncated', `the database has ${bytes} bytes, its high-water mark is at ${meta.pages * pageBytes}`)
  }
  return meta
}

/** Length of the database in a stream of `bytes`: etcd's snapshots end with a SHA-256, known by nothing but their length. */
export function withoutTrailer(bytes: number): number {
  return bytes % 512 === 32 ? bytes - 32 : bytes
}
