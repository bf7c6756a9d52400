import { test } from 'tap'
import type { Test } from 'tap'
import { memoryPages, openBolt, readKeyValue, readRevision, statusOf, walk } from '../src/index.ts'
import type { BoltItem, KeyValue } from '../src/index.ts'
import { buildDatabase, row } from './database.ts'
import type { Bucket } from './database.ts'
import { readDatabase, readJson, snapshotVersions } from './fixtures.ts'

interface LiveKey {
  readonly key: string
  readonly value?: string
  readonly create_revision: number
  readonly mod_revision: number
  readonly version: number
  readonly lease?: number
}

async function itemsOf(bytes: Uint8Array): Promise<BoltItem[]> {
  const items: BoltItem[] = []
  for await (const item of walk(await openBolt(memoryPages(bytes)))) items.push(item)
  return items
}

const pathOf = ({ path, key }: BoltItem) => [...path, key].map((name) => Buffer.from(name).toString()).join('/')

for (const version of snapshotVersions) {
  test(`the live keys of a snapshot of etcd ${version} are those that the server had`, async (t) => {
    const live = new Map<string, KeyValue>()
    for (const { path, key, value } of await itemsOf(readDatabase(`snap-${version}.db`))) {
      if (value === undefined || Buffer.from(path[0]).toString() !== 'key') continue
      const pair = readKeyValue(value)
      const name = Buffer.from(pair.key).toString('base64')
      if (readRevision(key)!.tombstone) live.delete(name)
      else live.set(name, pair)
    }
    const found = [...live.keys()].map((name) => {
      const { value, createRevision, modRevision, version, lease } = live.get(name)!
      return [name, Buffer.from(value).toString('base64'), Number(createRevision), Number(modRevision), Number(version), lease !== 0n]
    })
    const expected = readJson<{ kvs: LiveKey[] }>(`snap-${version}.livekeys.json`).kvs.map((kv) => [
      kv.key,
      kv.value ?? '',
      kv.create_revision,
      kv.mod_revision,
      kv.version,
      kv.lease !== undefined,
    ])
    t.same(found.toSorted(), expected.toSorted())
  })
}

test('nested, inline and empty buckets come in order, with their sequences and long values', async (t) => {
  for (const [name, pageBytes] of [
    ['bolt-nested-4k.db.gz', 4096],
    ['bolt-nested-16k.db.gz', 16_384],
  ] as const) {
    const items = await itemsOf(readDatabase(name))
    t.same(items.filter(({ value }) => value === undefined).map(pathOf), ['a', 'a/inner', 'a/inner/deep', 'empty', 'many'])
    t.equal(items.find((item) => pathOf(item) === 'a/inner')!.sequence, 7n)
    t.equal(items.filter(({ value }) => value !== undefined).length, 203)
    t.equal(items.find((item) => pathOf(item) === 'a/inner/deep/over')!.value!.length, 3 * pageBytes)
  }
})

test('a stored freelist must be exactly what is free', async (t) => {
  const bytes = readDatabase('bolt-bigfreelist-1k.db.gz')
  t.equal((await itemsOf(bytes)).length, 3)
  const list = (await openBolt(memoryPages(bytes))).meta.freelist!
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(list * 1024 + 24 + 8 * 65_999, 66_523, true)
  await t.rejects(itemsOf(bytes), { code: 'freelist' })
  await t.rejects(statusOf(memoryPages(bytes)), { code: 'freelist' })
})

const rows = Array.from({ length: 2000 }, (_, i) => row(i + 2, 0, `key-${i}`, new Uint8Array(30)))

/** Both ways of reading refuse the database with the same code. */
async function bothRefuse(
  t: Test,
  code: string,
  damage: (view: DataView, database: ReturnType<typeof buildDatabase>) => void,
): Promise<void> {
  const database = buildDatabase({ items: [['key', { items: rows }]] }, { pageBytes: 1024 })
  damage(new DataView(database.bytes.buffer), database)
  await t.rejects(itemsOf(database.bytes), { name: 'BoltError', code })
  await t.rejects(statusOf(memoryPages(database.bytes)), { name: 'BoltError', code })
}

test('a page that is referenced twice is refused', async (t) => {
  await bothRefuse(t, 'shared', (view, { branches, leaves }) => view.setUint32(branches[0] * 1024 + 16 + 16 + 8, leaves[0], true))
  await bothRefuse(t, 'shared', (view, { leaves }) => view.setUint32(leaves[0] * 1024 + 12, 1, true))
})

test('a cycle in the tree is refused', async (t) => {
  await bothRefuse(t, 'shared', (view, { branches }) => view.setUint32(branches.at(-1)! * 1024 + 16 + 8, branches.at(-1)!, true))
  await bothRefuse(t, 'shared', (view, { branches }) => view.setUint32(branches[0] * 1024 + 16 + 8, branches.at(-1)!, true))
})

test('children outside the database are refused', async (t) => {
  for (const child of [0, 1, 1_000_000, 0xffffffff]) {
    await bothRefuse(t, 'range', (view, { branches }) => view.setUint32(branches[0] * 1024 + 16 + 8, child, true))
  }
  await bothRefuse(t, 'range', (view, { branches }) => view.setUint32(branches[0] * 1024 + 16 + 12, 1, true))
  await bothRefuse(t, 'range', (view, { leaves }) => view.setUint32(leaves[3] * 1024 + 12, 0xffffff, true))
})

test('pages that are not what they should be are refused', async (t) => {
  await bothRefuse(t, 'page', (view, { leaves }) => view.setUint32(leaves[3] * 1024, 77, true))
  for (const flags of [0, 3, 4, 0xffff])
    await bothRefuse(t, 'page', (view, { leaves }) => view.setUint16(leaves[3] * 1024 + 8, flags, true))
  await bothRefuse(t, 'page', (view, { leaves }) => view.setUint16(leaves[3] * 1024 + 10, 0xffff, true))
  await bothRefuse(t, 'page', (view, { leaves }) => view.setUint16(leaves[3] * 1024 + 10, 0, true))
  await bothRefuse(t, 'page', (view, { branches }) => view.setUint16(branches[0] * 1024 + 10, 0, true))
})

test('keys that do not ascend within a page, across pages, or within their branch are refused', async (t) => {
  // The second row of a leaf becomes revision 1.
  await bothRefuse(t, 'order', (view, { leaves }) =>
    view.setUint16(leaves[0] * 1024 + 32 + view.getUint32(leaves[0] * 1024 + 36, true) + 6, 1),
  )
  // The last row of the first leaf becomes revision 900: right in its own page, too high for the next.
  await bothRefuse(t, 'order', (view, { leaves }) => {
    const count = view.getUint16(leaves[0] * 1024 + 10, true)
    const element = leaves[0] * 1024 + 16 * count
    view.setUint16(element + view.getUint32(element + 4, true) + 6, 900)
  })
  await bothRefuse(t, 'order', (view, { leaves }) =>
    view.setUint16(leaves[1] * 1024 + 16 + view.getUint32(leaves[1] * 1024 + 20, true) + 6, 1),
  )
  await bothRefuse(t, 'order', (view, { branches }) =>
    view.setUint16(branches[0] * 1024 + 16 + view.getUint32(branches[0] * 1024 + 16, true) + 6, 5),
  )
})

test('a root that holds plain items is refused', async (t) => {
  const { bytes } = buildDatabase({ items: [['plain', 'value']] })
  await t.rejects(itemsOf(bytes), { code: 'bucket' })
  await t.rejects(statusOf(memoryPages(bytes)), { code: 'bucket' })
})

test('buckets nested deeper than any tree are refused', async (t) => {
  let bucket: Bucket = { items: [['x', new Uint8Array(2000)]] }
  for (let depth = 0; depth < 100; depth++) bucket = { items: [['bucket', bucket]] }
  const { bytes } = buildDatabase(bucket, { pageBytes: 1024 })
  await t.rejects(itemsOf(bytes), { code: 'depth' })
  await t.rejects(statusOf(memoryPages(bytes)), { code: 'depth' })
})

test('a page whose overflow is longer than what is read is refused, one just as long is read', async (t) => {
  const bytes = readDatabase('bolt-bigfreelist-1k.db.gz')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const { meta } = await openBolt(memoryPages(bytes))
  for (const [overflow, code] of [
    [65_536, 'unread'],
    [65_535, 'shared'],
  ] as const) {
    view.setUint32(meta.root * 1024 + 12, overflow, true)
    await t.rejects(itemsOf(bytes), { code })
    await t.rejects(statusOf(memoryPages(bytes)), { code })
  }
})
