import { test } from 'tap'
import { hashKv, lookSegment, memoryPages, openBolt, statusCollector, statusOf } from '../src/index.ts'
import type { HashKv } from '../src/index.ts'
import { buildDatabase, row } from './database.ts'
import type { Item } from './database.ts'
import { readDatabase, readKubernetes, snapshotVersions } from './fixtures.ts'
import { marks, randomHistory } from './histories.ts'

const fromPages = async (bytes: Uint8Array) => hashKv(await openBolt(memoryPages(bytes)))

function fromStream(bytes: Uint8Array, pageBytes: number, segmentBytes: number): HashKv | undefined {
  const plan = { pageBytes, seed: 3 }
  const collector = statusCollector(plan)
  for (let position = 0; position < bytes.length; position += segmentBytes) {
    const segment = bytes.subarray(position, position + segmentBytes)
    collector.take(lookSegment(segment, position, plan), segment, position)
  }
  return collector.conclude().hashKv
}

for (const name of [
  ...snapshotVersions.map((version) => `snap-${version}.db`),
  'crash-3.6.16.db.gz',
  'restore-3.6.16-m1-bump1000000.db.gz',
  'snap-3.6.16-after-bump.db.gz',
  'snap-3.6.16-learner.db.gz',
  'snap-3.6.16-nospace-alarm.db.gz',
]) {
  test(`the passing pages of ${name} give the HashKV that two walks over them give`, async (t) => {
    const bytes = readDatabase(name)
    const expected = await fromPages(bytes)
    for (const segmentBytes of [4096, 10_007, 1 << 20]) t.same(fromStream(bytes, 4096, segmentBytes), expected)
  })
}

test('so do the pages of a Kubernetes cluster', async (t) => {
  for (const hour of ['hour-00', 'hour-01']) {
    const { bytes } = readKubernetes(hour)
    t.same(fromStream(bytes, 4096, 1 << 20), await fromPages(bytes), hour)
  }
})

test('of any history, compacted or on the way to it, looking and walking have the same HashKV', async (t) => {
  let withLeftOut = 0
  let withoutKeys = 0
  for (let seed = 1; seed <= 150; seed++) {
    const { items, meta } = randomHistory(seed)
    const pageBytes = seed % 3 === 0 ? 4096 : 1024
    const buckets: Item[] = [['auth', { items: [] }], ['key', { items }], ['meta', { items: meta }]] // prettier-ignore
    const { bytes } = buildDatabase({ items: buckets }, { pageBytes, spread: seed % 2 })
    const expected = await fromPages(bytes)
    const { hashBefore, ...found } = fromStream(bytes, pageBytes, [pageBytes, 3000, 1 << 20][seed % 3])!
    if (JSON.stringify(found) !== JSON.stringify(expected)) t.same(found, expected, `history ${seed}`)
    const plain = {
      items: [
        ['key', { items }],
        ['meta', { items: marks(0, 0) }],
      ] as Item[],
    }
    if ((await fromPages(buildDatabase(plain, { pageBytes }).bytes)).hash !== expected.hash) withLeftOut++
    if (hashBefore !== undefined) withoutKeys++
  }
  t.ok(withLeftOut > 50, `${withLeftOut} histories had rows that do not count`)
  t.ok(withoutKeys > 2, `${withoutKeys} histories had no key and a tombstone where they begin`)
})

test('rows of one revision, half of them on the next page, are compacted together', async (t) => {
  const value = new Uint8Array(150)
  const items = Array.from({ length: 40 }, (_, i) => row(i < 5 ? 2 : 3 + Math.floor(i / 12), i, `key-${i % 18}`, value))
  for (let revision = 1; revision <= 7; revision++) {
    const { bytes } = buildDatabase(
      { items: [['key', { items }], ['meta', { items: marks(revision, revision) }]] }, // prettier-ignore
      { pageBytes: 1024 },
    )
    t.same(fromStream(bytes, 1024, 1024), await fromPages(bytes), `compacted at ${revision}`)
  }
})

test('without a live key earlier versions hash a tombstone that later ones leave out', async (t) => {
  const items = [row(2, 0, 'a', new Uint8Array(3)), row(3, 0, 'a', undefined)]
  const hashOf = (meta: Item[]) => statusOf(memoryPages(buildDatabase({ items: [['key', { items }], ['meta', { items: meta }]] }).bytes)) // prettier-ignore
  const never = (await hashOf(marks(0, 0))).hashKv!
  t.match(never, { revision: 3, compactRevision: -1, hashBefore: undefined })
  const { hashKv: there } = await hashOf(marks(3, 3))
  t.match(there, { revision: 3, compactRevision: 3, hashBefore: never.hash })
  t.not(there!.hash, never.hash)
})

test('what is no database of etcd has no HashKV', async (t) => {
  const strange: Item[] = [['key', { items: [['no revision', 'x']] }]]
  t.equal((await statusOf(memoryPages(buildDatabase({ items: strange }).bytes))).hashKv, undefined)
  t.equal((await statusOf(memoryPages(buildDatabase({ items: [] }).bytes))).hashKv, undefined)
})

test('a compaction that is asked for counts before it is done', async (t) => {
  const items = [row(2, 0, 'a', new Uint8Array(3)), row(3, 0, 'a', new Uint8Array(4)), row(4, 0, 'b', new Uint8Array(4))]
  const { bytes } = buildDatabase({ items: [['key', { items }], ['meta', { items: marks(2, 3) }]] }) // prettier-ignore
  const done = buildDatabase({ items: [['key', { items: items.slice(1) }], ['meta', { items: marks(3, 3) }]] }) // prettier-ignore
  t.match(fromStream(bytes, 4096, 4096), { compactRevision: 3 })
  t.same(fromStream(bytes, 4096, 4096), await fromPages(done.bytes))
})
