const headerBytes = 16
const elementBytes = 16
const encoder = new TextEncoder()

export interface Bucket {
  readonly items: readonly Item[]
  readonly sequence?: bigint
}
/** Items in byte order of their keys. */
export type Item = readonly [key: Uint8Array | string, value: Uint8Array | string | Bucket]

export interface Database {
  readonly bytes: Uint8Array
  readonly pageBytes: number
  /** Ids of the pages that were written, by what they are. */
  readonly branches: readonly number[]
  readonly leaves: readonly number[]
  /** Puts other bytes where the meta pages are, valid ones. */
  writeMetas(root: number, freelist?: bigint): void
}

export const encode = (text: Uint8Array | string) => (typeof text === 'string' ? encoder.encode(text) : text)

/** Builds a database as bbolt lays it out. `spread` leaves that many pages free between any two, holding copies of neighbours as stale pages do. */
export function buildDatabase(root: Bucket, { pageBytes = 4096, spread = 0 } = {}): Database {
  const written: { id: number; bytes: Uint8Array }[] = []
  const branches: number[] = []
  const leaves: number[] = []
  let next = 2 + spread

  function put(leaf: boolean, elements: readonly Element[]): number {
    const length = pageLength(elements)
    const pages = Math.ceil(length / pageBytes)
    const bytes = new Uint8Array(pages * pageBytes)
    const id = next
    next += pages + spread
    writePage(bytes, id, leaf, elements, pages - 1)
    written.push({ id, bytes })
    ;(leaf ? leaves : branches).push(id)
    return id
  }

  function tree(elements: readonly Element[]): number {
    let level = split(elements, pageBytes).map((group) => ({ key: group[0]?.key ?? encode(''), child: put(true, group) }))
    while (level.length > 1) {
      const above = level.map(({ key, child }) => ({ key, value: encode(''), child, flags: 0 }))
      level = split(above, pageBytes).map((group) => ({ key: group[0].key, child: put(false, group) }))
    }
    return level[0].child
  }

  function element([key, value]: Item): Element {
    if (value instanceof Uint8Array || typeof value === 'string') return { key: encode(key), value: encode(value), child: 0, flags: 0 }
    const elements = value.items.map(element)
    const inlineBytes = pageLength(elements)
    const inline = inlineBytes <= pageBytes / 4 && elements.every(({ flags }) => flags === 0)
    const bytes = new Uint8Array(headerBytes + (inline ? inlineBytes : 0))
    if (inline) writePage(bytes.subarray(headerBytes), 0, true, elements, 0)
    const view = new DataView(bytes.buffer)
    view.setBigUint64(0, inline ? 0n : BigInt(tree(elements)), true)
    view.setBigUint64(8, value.sequence ?? 0n, true)
    return { key: encode(key), value: bytes, child: 0, flags: 1 }
  }

  const rootPage = tree(root.items.map(element))
  const bytes = new Uint8Array(next * pageBytes)
  for (const { id, bytes: page } of written) {
    bytes.set(page, id * pageBytes)
    // A stale page has its own number in its header, and what it once was.
    for (let stale = 1; stale <= spread; stale++) {
      bytes.set(page.subarray(0, pageBytes), (id - stale) * pageBytes)
      new DataView(bytes.buffer).setBigUint64((id - stale) * pageBytes, BigInt(id - stale), true)
    }
  }
  const database: Database = {
    bytes,
    pageBytes,
    branches,
    leaves,
    writeMetas(root, freelist = 0xffffffffffffffffn) {
      for (const index of [0, 1]) writeMeta(new DataView(bytes.buffer, index * pageBytes, 80), index, pageBytes, root, freelist, next)
    },
  }
  database.writeMetas(rootPage)
  return database
}

interface Element {
  readonly key: Uint8Array
  readonly value: Uint8Array
  readonly child: number
  readonly flags: number
}

function pageLength(elements: readonly Element[]): number {
  return elements.reduce((sum, { key, value }) => sum + elementBytes + key.length + value.length, headerBytes)
}

function split(elements: readonly Element[], pageBytes: number): Element[][] {
  const groups: Element[][] = [[]]
  let used = headerBytes
  for (const element of elements) {
    const length = pageLength([element]) - headerBytes
    if (groups.at(-1)!.length >= 2 && used + length > pageBytes) {
      groups.push([])
      used = headerBytes
    }
    groups.at(-1)!.push(element)
    used += length
  }
  return groups
}

function writePage(bytes: Uint8Array, id: number, leaf: boolean, elements: readonly Element[], overflow: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  view.setBigUint64(0, BigInt(id), true)
  view.setUint16(8, leaf ? 2 : 1, true)
  view.setUint16(10, elements.length, true)
  view.setUint32(12, overflow, true)
  let at = headerBytes + elementBytes * elements.length
  for (const [i, { key, value, child, flags }] of elements.entries()) {
    const element = headerBytes + elementBytes * i
    const words = leaf ? [flags, at - element, key.length, value.length] : [at - element, key.length]
    for (const [word, number] of words.entries()) view.setUint32(element + 4 * word, number, true)
    if (!leaf) view.setBigUint64(element + 8, BigInt(child), true)
    bytes.set(key, at)
    bytes.set(value, at + key.length)
    at += key.length + value.length
  }
}

function writeMeta(view: DataView, index: number, pageBytes: number, root: number, freelist: bigint, pages: number): void {
  view.setBigUint64(0, BigInt(index), true)
  view.setUint16(8, 4, true)
  for (const [word, number] of [0xed0cdaed, 2, pageBytes, 0].entries()) view.setUint32(16 + 4 * word, number, true)
  for (const [word, number] of [BigInt(root), 0n, freelist, BigInt(pages), BigInt(10 - index)].entries())
    view.setBigUint64(32 + 8 * word, number, true)
  let hash = 0xcbf29ce484222325n
  for (let at = 16; at < 72; at++) hash = ((hash ^ BigInt(view.getUint8(at))) * 0x100000001b3n) & 0xffffffffffffffffn
  view.setBigUint64(72, hash, true)
}

/** A row of etcd's bucket `key`. */
export function row(main: number, sub: number, key: string, value: Uint8Array | undefined): Item {
  const tombstone = value === undefined
  const revision = new Uint8Array(tombstone ? 18 : 17)
  const view = new DataView(revision.buffer)
  view.setBigUint64(0, BigInt(main))
  revision[8] = 0x5f
  view.setBigUint64(9, BigInt(sub))
  if (tombstone) revision[17] = 0x74
  const parts = [
    [0x0a, ...varint(encode(key).length)],
    encode(key),
    value ? [0x10, ...varint(main), 0x18, ...varint(main), 0x20, 1, 0x2a, ...varint(value.length)] : [],
    value ?? [],
  ]
  return [revision, Uint8Array.from(Buffer.concat(parts.map((part) => Buffer.from(part))))]
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [128 | (value % 128), ...varint(Math.floor(value / 128))]
}
