import { test } from 'tap'
import { leftRevisions, memoryPages, openBolt, readRevision, salvage, walk } from '../src/index.ts'
import type { LeftPages, LostRange, Salvaged } from '../src/index.ts'
import { buildDatabase } from './database.ts'
import { readDatabase, snapshotVersions } from './fixtures.ts'

function left(bytes: Uint8Array, lost: ReadonlySet<number>): LeftPages & { readonly met: Set<number> } {
  const pages = memoryPages(bytes)
  const met = new Set<number>()
  return {
    bytes: pages.bytes,
    pageBytes: pages.pageBytes,
    met,
    async read(page) {
      met.add(page)
      return lost.has(page) ? undefined : bytes.subarray(page * pages.pageBytes, (page + 1) * pages.pageBytes)
    },
  }
}

async function all(items: AsyncIterable<Salvaged>): Promise<{ items: string[]; lost: LostRange[] }> {
  const found: { items: string[]; lost: LostRange[] } = { items: [], lost: [] }
  for await (const item of items) {
    if (item.kind === 'lost') found.lost.push(item)
    else if (item.kind === 'item') found.items.push(nameOf(item.path, item.key))
  }
  return found
}

const nameOf = (path: readonly Uint8Array[], key: Uint8Array): string =>
  [...path, key].map((name) => Buffer.from(name).toString('hex')).join('/')

async function whole(bytes: Uint8Array): Promise<string[]> {
  const items: string[] = []
  for await (const { path, key, value } of walk(await openBolt(memoryPages(bytes)))) if (value !== undefined) items.push(nameOf(path, key))
  return items
}

for (const version of snapshotVersions) {
  test(`of a snapshot of etcd ${version} with any one page lost, every item is there or in a range that is lost`, async (t) => {
    const bytes = readDatabase(`snap-${version}.db`)
    const expected = await whole(bytes)
    t.same(await all(salvage(left(bytes, new Set()))), { items: expected, lost: [] })
    const { pageBytes } = memoryPages(bytes)
    let ranges = 0
    for (let page = 0; page < Math.floor(bytes.length / pageBytes); page++) {
      const pages = left(bytes, new Set([page]))
      const found = await all(salvage(pages))
      ranges += found.lost.length
      t.ok(found.lost.length <= 1 && found.items.every((item) => expected.includes(item)), `page ${page}`)
      const missing = expected.filter((item) => !found.items.includes(item))
      // The meta pages of a snapshot say the same: one is enough.
      t.equal(found.lost.length === 0, missing.length === 0, `page ${page}`)
      t.ok(
        missing.every((item) => found.lost.some((range) => isIn(range, item))),
        `page ${page}`,
      )
    }
    t.ok(ranges > 4, `${ranges} pages are in use`)
  })
}

function isIn({ path, from, until }: LostRange, item: string): boolean {
  const prefix = path.map((name) => `${Buffer.from(name).toString('hex')}/`).join('')
  if (!item.startsWith(prefix)) return false
  const key = Buffer.from(item.slice(prefix.length).split('/')[0], 'hex')
  return (from === undefined || Buffer.compare(key, from) >= 0) && (until === undefined || Buffer.compare(key, until) < 0)
}

test('a lost leaf is told by the keys around it, and only ranges that are wanted are read', async (t) => {
  const revision = (main: number): Buffer => {
    const key = Buffer.alloc(17)
    key.writeBigUInt64BE(BigInt(main))
    key[8] = 0x5f
    return key
  }
  const items = Array.from({ length: 500 }, (_, main) => [revision(main), Buffer.alloc(100)] as const)
  const database = buildDatabase({
    items: [
      ['key', { items }],
      ['lease', { items: [['a', 'b']] }],
    ],
  })
  const leaf = database.leaves[3]
  const { lost } = await all(salvage(left(database.bytes, new Set([leaf]))))
  t.match(lost, [{ leaf: true }])
  const [from, until] = [readRevision(lost[0].from!)!.main, readRevision(lost[0].until!)!.main]
  t.ok(from > 0 && until > from && until < 500)
  t.equal(Buffer.from(lost[0].path[0]).toString(), 'key')

  const pages = left(database.bytes, new Set())
  const wanted = await all(
    salvage(pages, ({ path, from: first, until: last }) => {
      const isKey = path.length === 0 || Buffer.from(path[0]).toString() === 'key'
      return (
        isKey &&
        (last === undefined || readRevision(last)!.main > from) &&
        (first === undefined || path.length === 0 || readRevision(first)!.main < until)
      )
    }),
  )
  t.ok(wanted.items.length >= until - from && wanted.items.length < 500)
  t.ok(pages.met.size < 8, `${pages.met.size} pages are read`)
})

test('rows below a lost branch are found on their leaves', async (t) => {
  const bytes = readDatabase('snap-3.6.16.db')
  const expected = new Set<string>()
  for await (const { path, key } of walk(await openBolt(memoryPages(bytes))))
    if (path.length === 1 && Buffer.from(path[0]).toString() === 'key') expected.add(Buffer.from(key).toString('hex'))
  const { meta } = await openBolt(memoryPages(bytes))
  const pages = left(bytes, new Set([meta.root]))
  t.match(await all(salvage(pages)), { items: [], lost: [{ path: [], page: meta.root }] })
  const found = new Set<string>()
  for await (const key of leftRevisions(pages)) found.add(Buffer.from(key).toString('hex'))
  t.ok(expected.size > 10 && [...expected].every((key) => found.has(key)))
})

test('a tree that turns back on itself ends', async (t) => {
  const database = buildDatabase({
    items: [['key', { items: Array.from({ length: 400 }, (_, n) => [String(n).padStart(8, '0'), 'x'.repeat(50)] as const) }]],
  })
  const bytes = Uint8Array.from(database.bytes)
  const view = new DataView(bytes.buffer)
  // The first child of the branch is the branch itself.
  view.setBigUint64(database.branches[0] * database.pageBytes + 16 + 8, BigInt(database.branches[0]), true)
  const { lost, items } = await all(salvage(left(bytes, new Set())))
  t.equal(lost.length, 1)
  t.ok(items.length > 0)
})
