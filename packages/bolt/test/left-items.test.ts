import { test } from 'tap'
import { leftItems, memoryPages, openBolt, readRevision, walk, writeBolt } from '../src/index.ts'
import type { LeftItemsOptions, LeftPages } from '../src/index.ts'
import { buildDatabase } from './database.ts'
import { readDatabase, snapshotVersions } from './fixtures.ts'

function left(bytes: Uint8Array, ...lost: readonly number[]): LeftPages {
  const pages = memoryPages(bytes)
  return {
    bytes: pages.bytes,
    pageBytes: pages.pageBytes,
    read: async (page) => (lost.includes(page) ? undefined : bytes.subarray(page * pages.pageBytes, (page + 1) * pages.pageBytes)),
  }
}

/** Names of all buckets, and items with their values, in order. */
async function contentOf(bytes: Uint8Array): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for await (const { path, key, value } of walk(await openBolt(memoryPages(bytes))))
    found.set([...path, key].map((name) => Buffer.from(name).toString('latin1')).join('/'), Buffer.from(value ?? []).toString('hex'))
  return found
}

async function rebuilt(pages: LeftPages, options?: LeftItemsOptions): Promise<{ bytes: Uint8Array; strays: ReadonlySet<string> }> {
  const { items, strays } = await leftItems(pages, options)
  const pieces: [number, Uint8Array][] = []
  const { bytes } = await writeBolt(items(), pages.pageBytes, async (position, piece) => void pieces.push([position, piece.slice()]))
  const whole = new Uint8Array(bytes)
  for (const [position, piece] of pieces) whole.set(piece, position)
  return { bytes: whole, strays }
}

for (const version of snapshotVersions) {
  test(`of a snapshot of etcd ${version}, what is left of any lost page is a database again, with nothing that was not there`, async (t) => {
    const bytes = readDatabase(`snap-${version}.db`)
    const expected = await contentOf(bytes)
    const { pageBytes } = memoryPages(bytes)
    t.same(await contentOf((await rebuilt(left(bytes))).bytes), expected, 'a whole one is the same, with its empty buckets')
    let again = 0
    for (let page = 0; page < Math.floor(bytes.length / pageBytes); page++) {
      const made = await rebuilt(left(bytes, page))
      const found = await contentOf(made.bytes)
      for (const [name, value] of found) if (expected.get(name) !== value) t.fail(`page ${page}: ${name} was not there`)
      t.ok(found.has('key') && found.has('meta'), `page ${page}`)
      again += made.strays.size
    }
    t.ok(again > 0, `${again} rows were found beside the tree`)
  })
}

function revision(main: number): Buffer {
  const key = Buffer.alloc(17)
  key.writeBigUInt64BE(BigInt(main))
  key[8] = 0x5f
  return key
}

/** A KeyValue with a key of three bytes, its revision and some text. */
function row(main: number): Buffer {
  return Buffer.concat([
    Buffer.from([0x0a, 3]),
    Buffer.from('abc'),
    Buffer.from([0x18, main]),
    Buffer.from([0x2a, 100]),
    Buffer.alloc(100, 'x'),
  ])
}

test('what lay below a lost branch comes back as far as nobody can have compacted it away, or as it is known', async (t) => {
  const items = Array.from({ length: 120 }, (_, n) => [revision(n + 1), row(n + 1)] as const)
  const meta = { items: [['finishedCompactRev', revision(40)]] as const }
  const { bytes, branches } = buildDatabase({ items: [['key', { items }], ['meta', meta]] }) // prettier-ignore
  t.equal(branches.length, 1)
  const rows = async (options?: LeftItemsOptions): Promise<number[]> => {
    const found = [...(await contentOf((await rebuilt(left(bytes, branches[0]), options)).bytes)).keys()]
    return found.filter((name) => name.startsWith('key/')).map((name) => readRevision(Buffer.from(name.slice(4), 'latin1'))!.main)
  }
  const numbers = (from: number, until: number): number[] => Array.from({ length: until - from }, (_, n) => from + n)
  t.same(await rows(), numbers(41, 121))
  t.same(
    await rows({
      known:
        async () =>
        ({ main }) =>
          main === 7,
    }),
    [7, ...numbers(41, 121)],
  )
})

test('without its bucket meta, only what was noted tells what may have been compacted away', async (t) => {
  const items = Array.from({ length: 120 }, (_, n) => [revision(n + 1), row(n + 1)] as const)
  const { bytes } = buildDatabase({ items: [['key', { items }], ['meta', { items: [] }]] }) // prettier-ignore
  const { root } = (await openBolt(memoryPages(bytes))).meta
  t.equal((await leftItems(left(bytes, root))).strays.size, 0)
  t.equal((await leftItems(left(bytes, root), { compactRevision: 100 })).strays.size, 20)
  const all = await rebuilt(left(bytes, root), { compactRevision: -1 })
  t.equal(all.strays.size, 120)
  t.same(
    [...(await contentOf(all.bytes)).keys()].filter((name) => !name.includes('/')),
    ['key', 'meta'],
  )
})

test('of bytes that are wrong in any way, what is made is a database all the same', async (t) => {
  const whole = readDatabase('snap-3.6.16.db')
  let seed = 7
  const random = (below: number): number => (seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0) % below
  let [made, different] = [0, 0]
  const expected = (await contentOf(whole)).size
  for (let round = 0; round < 300; round++) {
    const bytes = whole.slice()
    // Headers and element tables, where it hurts; the meta pages are checked elsewhere.
    for (let count = 0; count < 1 + random(8); count++) bytes[(2 + random(16)) * 4096 + random(300)] = random(256)
    const { bytes: again } = await rebuilt(left(bytes), { compactRevision: -1 })
    const content = await contentOf(again)
    made += 1
    different += Number(content.size !== expected)
  }
  t.ok(made === 300 && different > 100, `${different} of ${made} have lost something`)
})
