import { test } from 'tap'
import { hashKv, memoryPages, openBolt, statusOf, walk } from '../src/index.ts'
import { buildDatabase, row } from './database.ts'
import { readDatabase } from './fixtures.ts'

// Each check that a reader of hostile bytes must make, with the code of its error, in all ways of reading.

const pageBytes = 1024
const rows = Array.from({ length: 600 }, (_, i) => row(i + 2, 0, `key-${i}`, new Uint8Array(30)))
const made = () =>
  buildDatabase(
    {
      items: [
        ['inline', { items: [['a', 'b']] }],
        ['key', { items: rows }],
      ],
    },
    { pageBytes },
  )
type Made = ReturnType<typeof made>

/** What each way of reading ends with: a code, or `ok`. */
async function endings(bytes: Uint8Array): Promise<string[]> {
  const ways = [
    async () => {
      for await (const { key } of walk(await openBolt(memoryPages(bytes)))) if (key.length === 0) throw new Error('a key is empty')
    },
    async () => statusOf(memoryPages(bytes)),
    async () => hashKv(await openBolt(memoryPages(bytes))),
  ]
  const ended = ways.map((read) =>
    read().then(
      () => 'ok',
      (error: { name: string; code: string; message: string }) => (error.name === 'BoltError' ? error.code : `not typed: ${error.message}`),
    ),
  )
  return [...new Set(await Promise.all(ended))]
}

const headerOf = (page: number) => page * pageBytes
const elementOf = (page: number, i: number) => page * pageBytes + 16 + 16 * i
const rootOf = ({ leaves }: Made) => leaves.at(-1)!

/** The element of the root page that is the bucket of this name: where its value begins. */
function bucketIn(database: Made, index: number): { element: number; value: number } {
  const view = new DataView(database.bytes.buffer)
  const element = elementOf(rootOf(database), index)
  return { element, value: element + view.getUint32(element + 4, true) + view.getUint32(element + 8, true) }
}

const faults: readonly (readonly [what: string, code: string, damage: (view: DataView, database: Made) => void])[] = [
  ['another number in a page’s header', 'page', (view, { leaves }) => view.setBigUint64(headerOf(leaves[3]!), 1n << 40n, true)],
  ['a page that is a leaf and a branch', 'page', (view, { leaves }) => view.setUint16(headerOf(leaves[3]!) + 8, 3, true)],
  ['a page that is a meta page', 'page', (view, { leaves }) => view.setUint16(headerOf(leaves[3]!) + 8, 4, true)],
  ['an empty freelist in the tree', 'page', (view, { leaves }) => view.setUint32(headerOf(leaves[3]!) + 8, 16, true)],
  ['more elements than the page has room for', 'page', (view, { leaves }) => view.setUint16(headerOf(leaves[3]!) + 10, 64, true)],
  ['65535 elements', 'page', (view, { leaves }) => view.setUint16(headerOf(leaves[3]!) + 10, 0xffff, true)],
  ['no elements in a branch', 'page', (view, { branches }) => view.setUint16(headerOf(branches[0]!) + 10, 0, true)],
  ['no elements in a leaf below a branch', 'page', (view, { leaves }) => view.setUint16(headerOf(leaves[3]!) + 10, 0, true)],
  ['a key inside the element table', 'page', (view, { leaves }) => view.setUint32(elementOf(leaves[3]!, 0) + 4, 16, true)],
  ['a key far behind the page', 'page', (view, { leaves }) => view.setUint32(elementOf(leaves[3]!, 0) + 4, 0xffff_ffff, true)],
  ['a key of no bytes', 'page', (view, { leaves }) => view.setUint32(elementOf(leaves[3]!, 0) + 8, 0, true)],
  ['a key of 4 GiB', 'page', (view, { leaves }) => view.setUint32(elementOf(leaves[3]!, 0) + 8, 0xffff_ffff, true)],
  ['a value of 4 GiB', 'page', (view, { leaves }) => view.setUint32(elementOf(leaves[3]!, 0) + 12, 0xffff_ffff, true)],
  ['a branch key inside the element table', 'page', (view, { branches }) => view.setUint32(elementOf(branches[0]!, 1), 0, true)],
  ['a branch key of 4 GiB', 'page', (view, { branches }) => view.setUint32(elementOf(branches[0]!, 1) + 4, 0xffff_ffff, true)],
  ['a child beyond the high-water mark', 'range', (view, { branches }) => view.setUint32(elementOf(branches[0]!, 1) + 8, 99_999, true)],
  ['a child that is a meta page', 'range', (view, { branches }) => view.setUint32(elementOf(branches[0]!, 1) + 8, 1, true)],
  ['a child at 2^63', 'range', (view, { branches }) => view.setBigUint64(elementOf(branches[0]!, 1) + 8, 1n << 63n, true)],
  ['overflow beyond the high-water mark', 'range', (view, { leaves }) => view.setUint32(headerOf(leaves[3]!) + 12, 5000, true)],
  ['overflow of 4 Gi pages', 'range', (view, { leaves }) => view.setUint32(headerOf(leaves[3]!) + 12, 0xffff_ffff, true)],
  ['overflow over the next page', 'shared', (view, { leaves }) => view.setUint32(headerOf(leaves[3]!) + 12, 1, true)],
  ['the same child twice', 'shared', (view, { branches, leaves }) => view.setUint32(elementOf(branches[0]!, 1) + 8, leaves[0]!, true)],
  ['a child that is its parent', 'shared', (view, { branches }) => view.setUint32(elementOf(branches[0]!, 0) + 8, branches[0]!, true)],
  ['a child that is the root', 'shared', (view, made) => view.setUint32(elementOf(made.branches[0]!, 0) + 8, rootOf(made), true)],
  ['a bucket header of 15 bytes', 'bucket', (view, made) => view.setUint32(bucketIn(made, 1).element + 12, 15, true)],
  ['an inline bucket of 31 bytes', 'bucket', (view, made) => view.setUint32(bucketIn(made, 0).element + 12, 31, true)],
  ['an inline bucket that is a branch', 'bucket', (view, made) => view.setUint16(bucketIn(made, 0).value + 16 + 8, 1, true)],
  ['an inline bucket with overflow', 'bucket', (view, made) => view.setUint32(bucketIn(made, 0).value + 16 + 12, 1, true)],
  ['a root whose element is no bucket', 'bucket', (view, made) => view.setUint32(bucketIn(made, 1).element, 0, true)],
]

for (const [what, code, damage] of faults) {
  test(`${what}: ${code}, however it is read`, async (t) => {
    const database = made()
    t.same(await endings(database.bytes), ['ok'])
    damage(new DataView(database.bytes.buffer), database)
    t.same(await endings(database.bytes), [code])
  })
}

test('more elements, longer keys and nested buckets in an inline bucket are refused', async (t) => {
  const wrong: ((view: DataView, value: number) => void)[] = [
    (view, value) => view.setUint16(value + 16 + 10, 9, true),
    (view, value) => view.setUint32(value + 32 + 8, 0xffff_ffff, true),
    (view, value) => view.setUint32(value + 32, 1, true),
  ]
  for (const [index, damage] of wrong.entries()) {
    const database = made()
    damage(new DataView(database.bytes.buffer), bucketIn(database, 0).value)
    for (const ending of await endings(database.bytes)) t.match(ending, /^(page|bucket)$/, `case ${index}`)
  }
})

test('a high-water mark below 3, and one beyond the end, are refused', async (t) => {
  for (const [pages, code] of [
    [2n, 'range'],
    [0n, 'range'],
    [1n << 40n, 'truncated'],
    [1n << 63n, 'truncated'],
  ] as const) {
    const { bytes } = made()
    const view = new DataView(bytes.buffer)
    for (const page of [0, 1]) {
      view.setBigUint64(page * pageBytes + 56, pages, true)
      sign(view, page * pageBytes)
    }
    t.same(await endings(bytes), [code], String(pages))
  }
})

test('page sizes that are no power of two from 1 KiB to 16 MiB are none of bbolt', async (t) => {
  for (const size of [0, 512, 1000, 3 * 1024, 32 << 20]) {
    const { bytes } = made()
    const view = new DataView(bytes.buffer)
    for (const page of [0, 1]) {
      view.setUint32(page * pageBytes + 24, size, true)
      sign(view, page * pageBytes)
    }
    t.same(await endings(bytes), ['not-bolt'], String(size))
  }
})

test('a freelist that misses a page, has one too many, is no freelist, or is longer than its page, is refused', async (t) => {
  const bytes = readDatabase('bolt-nested-4k.db.gz')
  const { meta } = await openBolt(memoryPages(bytes))
  const at = meta.freelist! * meta.pageBytes
  const count = new DataView(bytes.buffer, bytes.byteOffset).getUint16(at + 10, true)
  t.ok(count > 1)
  const wrong: (readonly [string, (view: DataView) => void])[] = [
    ['freelist', (view) => view.setUint16(at + 10, count - 1, true)],
    ['freelist', (view) => view.setBigUint64(at + 16 + 8 * (count - 1), BigInt(meta.pages), true)],
    ['freelist', (view) => view.setUint16(at + 10, 0xfffe, true)],
    ['freelist', (view) => view.setUint16(at + 10, 0xffff, true)],
    ['freelist', (view) => view.setBigUint64(at + 24, view.getBigUint64(at + 16, true), true)],
    ['page', (view) => view.setUint16(at + 8, 2, true)],
  ]
  for (const [code, damage] of wrong) {
    const damaged = Uint8Array.from(bytes)
    damage(new DataView(damaged.buffer))
    t.same(await endings(damaged), [code])
  }
})

/** Makes the checksum of a meta page right again: FNV-1a. */
function sign(view: DataView, page: number): void {
  let hash = 0xcbf29ce484222325n
  for (let at = page + 16; at < page + 72; at++) hash = ((hash ^ BigInt(view.getUint8(at))) * 0x100000001b3n) & 0xffffffffffffffffn
  view.setBigUint64(page + 72, hash, true)
}
