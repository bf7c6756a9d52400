import { combineCrc32c, crc32c } from './crc32c.ts'
import { BoltError } from './errors.ts'
import type { BoltErrorCode } from './errors.ts'
import type { RowTree } from './fast-walk.ts'
import type { HashKv } from './hash-kv.ts'
import { hashAfter, hashHistory } from './history-hash.ts'
import { newHistory } from './history.ts'
import { compareKeys, orderedKey, takeKey } from './key-order.ts'
import type { OrderedKey } from './key-order.ts'
import { leaves, notedKeys, records, skipRowByRow } from './look-format.ts'
import type { Looks, PageRecord } from './looks.ts'
import type { Meta } from './meta.ts'
import { checkRange, maxDepth, maxRunBytes, reachedPages } from './page.ts'
import { takeBytes, takeNumber, takeText, takeU32 } from './record.ts'

/** What a walk over all buckets finds. */
export interface Walked {
  /** CRC-32C over each top-level bucket's name, then keys and values in order. */
  readonly hash: number
  readonly items: number
  /** User keys whose newest row is no tombstone. */
  readonly keys: number
  /** The last row's main revision, 0 without rows. */
  readonly revision: number
  /** Values of `notedKeys` found where etcd keeps them. */
  readonly noted: ReadonlyMap<string, Uint8Array>
  /** HashKV of all history from a revision on where it begins; undefined without etcd's bucket `key`. */
  readonly hashKv: ((revision: number, compactRevision: number) => HashKv) | undefined
}

/**
 * Walks the tree over the looks alone, with every check of `walk`: pages in range, of the right type, each reached once, keys
 * ascending and within their branches, the freelist what is left over.
 * `missing` tells why there is no look at a page.
 * @throws BoltError
 */
export function walkLooks(meta: Meta, looks: Looks, missing: (page: number) => 'unread' | 'unended' | undefined): Walked {
  const walkRows = looks.rowWalk(meta.pages)
  const reached = reachedPages(meta.pages)
  const history = newHistory(looks.keyCount)
  const noted = new Map<string, Uint8Array>()
  let hash = 0
  let items = 0
  let revision = 0
  /** How many buckets the walk is in: 0 in the root, 1 in a top-level bucket, whose items count, more in nested ones. */
  let nesting = 0
  /** The top-level bucket, and the CRC and length of what of it counts so far: its name, then keys and values. */
  let bucket = ''
  let bucketCrc = 0
  let bucketBytes = 0
  /** The same of bucket `key`, once it was walked. */
  let keyBucketCrc: number | undefined
  /** Its rows, when they were walked at once; what `history` is of otherwise. */
  let rowTree: RowTree | undefined
  /** Why bucket `key` is not etcd's: a fault in a database of etcd, no concern in any other. */
  let foreign: BoltError | undefined
  /** The last key of the tree that is walked. */
  let last: OrderedKey | undefined

  function append(crc: number, bytes: number): void {
    bucketCrc = combineCrc32c(bucketCrc, crc, bytes)
    bucketBytes += bytes
  }

  function open(page: number): PageRecord {
    const record = looks.record(page)
    if (record) return record
    const why = missing(page)
    if (why === 'unread') throw tooLong(page)
    if (why === 'unended') throw new BoltError('range', `page ${page} does not end inside the stream`, page)
    throw new BoltError('page', `page ${page} is no page of a tree`, page)
  }

  function enter(record: PageRecord, page: number): number {
    const kind = takeNumber(record.reader)
    if (kind === records.invalid) {
      const code = takeText(record.reader) as BoltErrorCode
      throw new BoltError(code, `page ${page}: ${takeText(record.reader)}`, page)
    }
    if (kind !== records.meta) reached.reach(page, takeNumber(record.reader))
    if (kind === records.unread) throw tooLong(page)
    return kind
  }

  function visit(page: number, depth: number, floor: OrderedKey | undefined): void {
    if (depth > maxDepth) throw new BoltError('depth', `page ${page} lies deeper than ${maxDepth} levels`, page)
    checkRange(page, meta.pages)
    const record = open(page)
    const kind = enter(record, page)
    if (kind === records.leaf) leaf(record, page, depth, floor)
    else if (kind === records.branch) branch(record, page, depth, floor)
    else throw new BoltError('page', `page ${page} is neither branch nor leaf`, page)
  }

  function branch({ reader }: PageRecord, page: number, depth: number, floor: OrderedKey | undefined): void {
    const count = takeNumber(reader)
    for (let i = 0, base = 0; i < count; i++) {
      const key = takeKey(reader, base)
      if (!(key instanceof Uint8Array)) base = key.main
      const child = takeNumber(reader)
      checkOrder(key, i === 0 ? floor : undefined, page)
      visit(child, depth + 1, key)
    }
  }

  function checkOrder(key: OrderedKey, floor: OrderedKey | undefined, page: number): void {
    if (last !== undefined && compareKeys(key, last) <= 0)
      throw new BoltError('order', `page ${page} begins with a key that an earlier page reaches`, page)
    if (floor !== undefined && compareKeys(key, floor) < 0) throw new BoltError('order', `page ${page} begins below its branch key`, page)
  }

  /** A leaf page (of a tree with branches when `floor` is there), or an inline leaf. */
  function leaf(record: PageRecord, page: number, depth: number, floor: OrderedKey | undefined, inline = false): void {
    const { reader } = record
    const kind = takeNumber(reader)
    const count = takeNumber(reader)
    const { at } = reader
    if (kind === leaves.empty) {
      if (floor !== undefined) throw new BoltError('page', `page ${page} is an empty leaf below a branch`, page)
      return
    }
    if (kind === leaves.buckets || kind === leaves.bucketsWithRows) return elements(record, page, count, depth, floor)
    if (nesting === 0) throw new BoltError('bucket', `page ${page}: the root holds what is no bucket`, page)
    const crc = takeU32(reader)
    const bytes = takeNumber(reader)
    const firstRow = kind === leaves.rows ? takeNumber(reader) : 0
    const first = takeKey(reader, 0)
    const final = takeKey(reader, first instanceof Uint8Array ? 0 : first.main)
    // What follows behind an inline leaf is read, too.
    if (kind === leaves.rows && inline) skipRowByRow(reader, count)
    checkOrder(first, floor, page)
    last = final
    if (kind === leaves.items) takeNotes(record)
    if (nesting !== 1) return
    append(crc, bytes)
    items += count
    if (bucket !== 'key') return
    if (kind === leaves.rows) {
      history.take({ reader: { bytes: reader.bytes, at }, rows: record.rows, count }, firstRow, inline ? undefined : page)
      if (!(final instanceof Uint8Array)) revision = final.main
    } else foreign ??= new BoltError('schema', `page ${page}: bucket key holds what is no row of etcd`, page)
  }

  function takeNotes({ reader }: PageRecord): void {
    for (let left = takeNumber(reader); left > 0; left--) {
      const name = notedKeys[takeNumber(reader)]
      const value = takeBytes(reader)
      if (nesting === 1 && bucket === (name === 'clusterVersion' ? 'cluster' : 'meta')) noted.set(name, value)
    }
  }

  /** A leaf with buckets among its elements. */
  function elements(record: PageRecord, page: number, count: number, depth: number, floor: OrderedKey | undefined): void {
    const { reader } = record
    if (nesting === 1 && bucket === 'key') foreign ??= new BoltError('schema', `page ${page}: bucket key holds a bucket`, page)
    for (let i = 0; i < count; i++) {
      const isBucket = takeNumber(reader) === 1
      const name = takeBytes(reader)
      const key = orderedKey(name)
      checkOrder(key, i === 0 ? floor : undefined, page)
      last = key
      const nameCrc = () => crc32c(new DataView(name.buffer, name.byteOffset, name.length), 0, name.length)
      if (nesting === 1) items++
      if (isBucket) {
        if (nesting === 0) {
          bucket = Buffer.from(name).toString('latin1')
          bucketCrc = nameCrc()
          bucketBytes = name.length
        } else if (nesting === 1) append(nameCrc(), name.length)
        nested(record, page, depth)
        last = key
        if (nesting > 0) continue
        hash = combineCrc32c(hash, bucketCrc, bucketBytes)
        if (bucket === 'key') keyBucketCrc = bucketCrc
      } else {
        if (nesting === 0) throw new BoltError('bucket', `page ${page}: the root holds what is no bucket`, page)
        const crc = takeU32(reader)
        const bytes = takeNumber(reader)
        if (nesting === 1) append(crc, bytes)
      }
    }
  }

  /** The bucket whose header is next in the record. */
  function nested(record: PageRecord, page: number, depth: number): void {
    const root = takeNumber(record.reader)
    last = undefined
    nesting++
    if (root === 0) leaf(record, page, depth, undefined, true)
    else if (nesting !== 1 || bucket !== 'key' || !takeRows(root, depth + 1)) visit(root, depth + 1, undefined)
    nesting--
  }

  /** The tree of bucket `key` at once, when it is as nearly always; else nothing is done. */
  function takeRows(root: number, depth: number): boolean {
    const found = walkRows(root, depth, reached.bits)
    if (typeof found === 'string') return false
    append(found.crc, found.bytes)
    items += found.items
    revision = found.revision
    rowTree = found
    return true
  }

  function freelist(page: number): void {
    checkRange(page, meta.pages)
    const record = open(page)
    if (enter(record, page) !== records.freelist) throw new BoltError('page', `page ${page} is no freelist`, page)
    let left = takeNumber(record.reader)
    let listed = 0
    for (let id = 2; id < meta.pages; id++) {
      if (reached.has(id)) continue
      if (left-- > 0) listed += takeNumber(record.reader)
      if (listed !== id) throw new BoltError('freelist', `page ${id} is free and not in the freelist, or the other way round`, page)
    }
    if (left > 0) throw new BoltError('freelist', `the freelist holds ${left} pages that are not free`, page)
  }

  visit(meta.root, 0, undefined)
  if (meta.freelist !== undefined) freelist(meta.freelist)
  if (foreign) {
    if (noted.has('consistent_index')) throw foreign
    return { hash, items, keys: 0, revision: 0, noted, hashKv: undefined }
  }
  const keys = rowTree?.kept ?? history.kept
  if (keyBucketCrc === undefined) return { hash, items, keys, revision, noted, hashKv: undefined }
  return { hash, items, keys, revision, noted, hashKv: hashKvOf(keyBucketCrc) }

  function hashKvOf(whole: number): NonNullable<Walked['hashKv']> {
    return (until, compacted) => {
      if (rowTree === undefined) return hashHistory(history, () => history.leaves(open), whole, until, compacted)
      if (compacted < 0) return { hash: whole, revision: until, compactRevision: compacted }
      const rest = rowTree.hash(compacted)
      // What the records of rows say of their order and lengths cannot be: whatever it is, it is the same as ever.
      if (rest === undefined) return walkLooks(meta, pageByPage(looks), missing).hashKv!(until, compacted)
      return hashAfter(compacted, rest, rowTree.kept, whole, until)
    }
  }
}

/** The same looks without what walks many pages at once. */
function pageByPage(looks: Looks): Looks {
  return { keyCount: looks.keyCount, add: looks.add, record: looks.record, rowWalk: () => () => 'broken' }
}

function tooLong(page: number): BoltError {
  return new BoltError('unread', `page ${page} and its overflow are longer than what is read, ${maxRunBytes} bytes`, page)
}
