import { test } from 'tap'
import { hashKv, lookSegment, memoryPages, openBolt, statusCollector, statusOf } from '../src/index.ts'
import type { HashKv } from '../src/index.ts'
import { buildDatabase, row } from './database.ts'
import type { Item } from './database.ts'
import { readDatabase, readKubernetes, snapshotVersions } from './fixtures.ts'

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

/** Numbers from 0 up to a bound, the same for the same seed. */
function numbers(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const marks = (finished: number, scheduled: number): Item[] =>
  Object.entries({ consistent_index: 9, finishedCompactRev: finished, scheduledCompactRev: scheduled })
    .filter(([, revision]) => revision > 0)
    .map(([name, revision]): Item => [name, name === 'consistent_index' ? Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 9) : row(revision, 0, '', new Uint8Array(1))[0]]) // prettier-ignore

/** A history of puts and deletes, compacted as far as a compaction has come when somebody looks. */
function randomHistory(seed: number): { items: Item[]; meta: Item[] } {
  const below = numbers(seed)
  const rows: { main: number; key: string; item: Item; isPut: boolean }[] = []
  const writes = below(4) === 0 ? below(8) : 5 + below(150)
  const keys = 1 + below(1 + writes)
  let main = 1
  for (let n = 0; n < writes; n++) {
    main += 1 + (below(10) === 0 ? below(1000) : 0)
    for (let sub = 0; sub < (below(8) === 0 ? 3 : 1); sub++) {
      const key = `key-${below(keys)}`
      const isPut = below(4) > 0 && seed % 7 !== 0
      const value = new Uint8Array(below(20) === 0 ? below(5000) : below(200)).fill(below(256))
      rows.push({ main, key, isPut, item: row(main, sub, key, isPut ? value : undefined) })
    }
  }
  const scheduled = seed % 7 === 0 ? main : below(3) === 0 ? 0 : Math.max(1, main - below(1 + main))
  const progress = below(3)
  const newestThen = new Map(rows.filter((one) => one.main <= scheduled).map((one) => [one.key, one]))
  const stays = (one: (typeof rows)[number]) =>
    one.main > scheduled || (newestThen.get(one.key) === one && (one.isPut || (one.main === scheduled && seed % 2 === 0)))
  const left = rows.filter((one, index) => stays(one) || progress === 0 || (progress === 1 && index > rows.length / 3))
  const finished = progress === 2 ? scheduled : Math.floor(scheduled / 2)
  return { items: left.map(({ item }) => item), meta: marks(finished, scheduled) }
}

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
