import { createHash } from 'node:crypto'
import { test } from 'tap'
import { memoryPages, openBolt, statusOf, walk, writeBolt } from '../src/index.ts'
import type { BoltItem, NewItem } from '../src/index.ts'
import { buildDatabase, encode, row } from './database.ts'
import type { Item } from './database.ts'
import { readDatabase, snapshotVersions } from './fixtures.ts'

type Items = AsyncIterable<NewItem> | Iterable<NewItem>

async function written(items: Items, pageBytes: number): Promise<Uint8Array> {
  const pieces: [position: number, bytes: Uint8Array][] = []
  const { bytes, pages } = await writeBolt(
    items,
    pageBytes,
    async (position, piece) => void pieces.push([position, Uint8Array.from(piece)]),
  )
  const database = new Uint8Array(bytes).fill(0xee)
  for (const [position, piece] of pieces) database.set(piece, position)
  if (bytes !== pages * pageBytes) throw new Error('length and high-water mark differ')
  return database
}

async function itemsOf(bytes: Uint8Array): Promise<BoltItem[]> {
  const items: BoltItem[] = []
  for await (const item of walk(await openBolt(memoryPages(bytes)))) items.push(item)
  return items
}

const plain = (items: readonly BoltItem[]) =>
  items.map(({ path, key, value, sequence }) => [path.map(hex), hex(key), value && hex(value), sequence])
const digest = (items: readonly BoltItem[]) => createHash('sha256').update(plain(items).map(String).join('\n')).digest('hex')
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

const names = [
  'bolt-nested-4k.db.gz',
  'bolt-nested-16k.db.gz',
  'bolt-bigfreelist-1k.db.gz',
  ...snapshotVersions.map((version) => `snap-${version}.db`),
]
for (const name of names) {
  test(`what is in ${name} is written anew, in no more bytes`, async (t) => {
    const bytes = readDatabase(name)
    const { pageBytes } = memoryPages(bytes)
    const again = await written(walk(await openBolt(memoryPages(bytes))), pageBytes)
    t.ok(again.length <= bytes.length)
    t.same(plain(await itemsOf(again)), plain(await itemsOf(bytes)))
    const [before, after] = [await statusOf(memoryPages(bytes)), await statusOf(memoryPages(again))]
    t.same({ ...after, totalSize: 0 }, { ...before, totalSize: 0 })
  })
}

/** Xorshift. */
function dice(seed: number): (sides: number) => number {
  let state = seed
  return (sides) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % sides
  }
}

function randomItems(roll: (sides: number) => number, depth: number): Item[] {
  const sizes = [0, 1, 40, 200, 1000, 5000, 70_000]
  const keys = new Set(
    Array.from({ length: roll(depth === 0 ? 6 : 300) }, () => `${roll(10_000)}`.repeat(1 + roll(roll(20) === 0 ? 300 : 4))),
  )
  return [...keys]
    .toSorted((a, b) => Buffer.compare(encode(a), encode(b)))
    .map((key): Item => {
      if (depth === 0 || (depth < 4 && roll(80) === 0)) return [key, { items: randomItems(roll, depth + 1), sequence: BigInt(roll(3)) }]
      return [key, new Uint8Array(sizes[roll(roll(30) === 0 ? sizes.length : 4)]).fill(roll(256))]
    })
}

for (const [pageBytes, rounds] of [
  [1024, 6],
  [2048, 3],
  [4096, 6],
  [8192, 3],
  [16_384, 6],
  [32_768, 2],
  [65_536, 6],
] as const) {
  test(`buckets of all shapes come back from pages of ${pageBytes} bytes, and every page is used`, async (t) => {
    const roll = dice(pageBytes)
    for (let round = 0; round < rounds; round++) {
      const { bytes } = buildDatabase({ items: randomItems(roll, 0) }, { pageBytes })
      const again = await written(walk(await openBolt(memoryPages(bytes))), pageBytes)
      const items = await itemsOf(again)
      t.equal(digest(items), digest(await itemsOf(bytes)), `${items.length} items`)
      t.same(await unused(again), [])
      t.equal((await statusOf(memoryPages(again))).hash, (await statusOf(memoryPages(bytes))).hash)
    }
  })
}

/** Pages that no read of a whole walk touches. */
async function unused(bytes: Uint8Array): Promise<number[]> {
  const pages = memoryPages(bytes)
  const read = new Set<number>()
  const bolt = await openBolt({
    ...pages,
    read(page, count) {
      for (let id = page; id < page + count; id++) read.add(id)
      return pages.read(page, count)
    },
  })
  for await (const { key } of walk(bolt)) if (key.length === 0) throw new Error('empty key')
  return Array.from({ length: bytes.length / pages.pageBytes }, (_, id) => id).filter((id) => !read.has(id))
}

test('bytes of free pages and of pages that held more before do not get into what is written', async (t) => {
  const secret = 'deleted-secret'
  const items: Item[] = Array.from({ length: 300 }, (_, i) => row(i + 2, 0, `key-${i}`, new Uint8Array(20)))
  const { bytes } = buildDatabase({ items: [['key', { items }]] }, { pageBytes: 1024, spread: 1 })
  const free = await unused(bytes)
  t.ok(free.length > 10)
  for (const page of free) for (let at = page * 1024 + 500; at < page * 1024 + 900; at += 20) bytes.set(encode(secret), at)
  const again = await written(walk(await openBolt(memoryPages(bytes))), 1024)
  t.equal(Buffer.from(bytes).includes(secret), true)
  t.equal(Buffer.from(again).includes(secret), false)
  // Large values fill the memory that pages are made in; small ones that come after them leave the rest of their pages empty.
  const values = ['x'.repeat(3_000_000), 'x'.repeat(700), ...Array.from({ length: 2000 }, () => 'y'.repeat(700))]
  const ends = Buffer.from(await written(inBucket(values.map((value, i) => [key(i), encode(value)])), 1024))
  const texts = Array.from({ length: ends.length / 1024 }, (_, page) => ends.toString('latin1', page * 1024, (page + 1) * 1024))
  t.equal(texts.filter((text) => text.includes('yy')).length, 2000)
  t.same(
    texts.filter((text) => text.includes('yy') && text.includes('xx')),
    [],
  )
})

const key = (i: number) => encode(String(i).padStart(8, '0'))

function* inBucket(items: Iterable<readonly [Uint8Array, Uint8Array]>): Generator<NewItem> {
  yield { path: [], key: encode('bucket'), value: undefined, sequence: 3n }
  for (const [key, value] of items) yield { path: { length: 1 }, key, value, sequence: undefined }
}

test('no more than a few pages for each level of the tree and two MiB are held back at any time', async (t) => {
  let [given, taken, most, writes] = [0, 0, 0, 0]
  function* items() {
    for (let i = 0; i < 60_000; i++) {
      const value = new Uint8Array(500)
      given += value.length
      most = Math.max(most, given - taken)
      yield [key(i), value] as const
    }
  }
  await writeBolt(inBucket(items()), 4096, async (_position, bytes) => {
    taken += bytes.length
    writes++
  })
  t.ok(given === 30_000_000 && most < 2_200_000, `${most} bytes of ${given}`)
  t.ok(writes < 100, `${writes} writes`)
})

test('every page but a root has two elements or more', async (t) => {
  const values = Array.from({ length: 501 }, (_, i) => [key(i), new Uint8Array(i % 3 === 0 ? 1500 : 400)] as const)
  for (let count = 1; count < values.length; count += 7) {
    const bytes = await written(inBucket(values.slice(0, count)), 1024)
    const view = new DataView(bytes.buffer)
    const { root } = (await openBolt(memoryPages(bytes))).meta
    for (let page = 2; page < bytes.length / 1024; page += 1 + view.getUint32(page * 1024 + 12, true)) {
      const elements = view.getUint16(page * 1024 + 10, true)
      if (elements < 2 && page !== root && count > 1) t.fail(`page ${page} of ${count} values has ${elements}`)
    }
    t.equal((await itemsOf(bytes)).length, count + 1)
  }
})

test('items that no walk would give are refused', async (t) => {
  const item = (length: number, name: string, value?: string): NewItem => ({
    path: { length },
    key: encode(name),
    value: value === undefined ? undefined : encode(value),
    sequence: undefined,
  })
  const refused: [NewItem[], string][] = [
    [[item(0, 'plain', 'value')], 'bucket'],
    [[item(1, 'lost', 'value')], 'bucket'],
    [[item(0, 'b'), item(1, 'x', '1'), item(1, 'x', '2')], 'order'],
    [[item(0, 'b'), item(1, 'x', '1'), item(1, 'w', '2')], 'order'],
    [[item(0, 'b'), item(0, 'a')], 'order'],
    [[item(0, 'b'), item(1, '', '1')], 'page'],
  ]
  for (const [items, code] of refused) await t.rejects(written(items, 1024), { name: 'BoltError', code })
  t.equal((await itemsOf(await written([], 4096))).length, 0)
})
