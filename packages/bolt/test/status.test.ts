import { test } from 'tap'
import { BoltError, lookSegment, memoryPages, statusCollector, statusOf } from '../src/index.ts'
import type { Status } from '../src/index.ts'
import { buildDatabase, row } from './database.ts'
import type { Item } from './database.ts'
import { readDatabase, readJson, readKubernetes, snapshotVersions } from './fixtures.ts'

/** Status of a stream that comes in segments of that many bytes, each in memory that is used again. */
function streamStatus(bytes: Uint8Array, pageBytes: number, segmentBytes: number, seed = 7): Status {
  const plan = { pageBytes, seed }
  const collector = statusCollector(plan)
  const slot = new Uint8Array(new SharedArrayBuffer(segmentBytes))
  for (let position = 0; position < bytes.length; position += segmentBytes) {
    const segment = slot.subarray(0, Math.min(segmentBytes, bytes.length - position))
    segment.set(bytes.subarray(position, position + segment.length))
    collector.take(lookSegment(segment, position, plan), segment, position)
    slot.fill(0xff)
  }
  return collector.conclude()
}

const meta: Item = ['meta', { items: [['consistent_index', Uint8Array.of(0, 0, 0, 0, 0, 0, 1, 0)]] }]

for (const version of snapshotVersions) {
  test(`a snapshot of etcd ${version} has the status that every version of the tools gives it`, async (t) => {
    const expected = readJson<Record<string, Record<string, unknown>>>(`snap-${version}.expected.json`)
    const status = await statusOf(memoryPages(readDatabase(`snap-${version}.db`)))
    const { hash, revision, totalSize } = status
    t.same({ hash, revision, totalKey: status.items, totalSize }, expected['etcdctl-3.4.23'])
    t.same({ hash, revision, totalKey: status.items, totalSize }, expected['etcdutl-3.5.35'])
    t.same({ hash, revision, totalKey: status.keys, totalSize, version: status.storageVersion }, expected['etcdutl-3.6.16'])
    t.same({ hash, revision, totalKey: status.keys, totalSize, version: status.storageVersion }, expected['etcdutl-3.7.3'])
    t.equal(status.compactRevision, expected['etcdutl-3.7.3-hashkv'].compactRevision)
    t.equal(status.clusterVersion, version.replace(/\d+$/, '0'))
    t.equal(status.term, version === '3.4.23' ? undefined : 2)
  })
}

test('the consistent index is what etcd wrote last', async (t) => {
  const indexes = await Promise.all(
    snapshotVersions.map(async (version) => (await statusOf(memoryPages(readDatabase(`snap-${version}.db`)))).consistentIndex),
  )
  t.same(indexes, [157, 177, 173, 173])
})

for (const [name, expected] of Object.entries({
  'snap-3.6.16-after-bump.db.gz': { hash: 2896352217, revision: 1142, keys: 32, items: 49, consistentIndex: 7, compactRevision: 1142 },
  'snap-3.6.16-learner.db.gz': { hash: 4120949049, revision: 2, keys: 1, items: 9, consistentIndex: 7, compactRevision: -1 },
  'snap-3.6.16-nospace-alarm.db.gz': { hash: 630078229, revision: 3, keys: 2, items: 10, consistentIndex: 13, compactRevision: -1 },
  'crash-3.6.16.db.gz': {
    hash: 1537709716,
    revision: 180,
    keys: 69,
    items: 90,
    consistentIndex: 252,
    compactRevision: 138,
    totalSize: 73728,
  },
  'restore-3.6.16-m1-bump1000000.db.gz': {
    hash: 3806997542,
    revision: 1000142,
    currentRevision: 1000142,
    keys: 32,
    items: 55,
    compactRevision: 138,
  },
})) {
  test(`${name} has its known status`, async (t) => {
    t.match(await statusOf(memoryPages(readDatabase(name))), expected)
  })
}

for (const hour of ['hour-00', 'hour-01']) {
  test(`the Kubernetes snapshot of ${hour} has the status of etcdutl, however it is cut`, async (t) => {
    const { bytes, status } = readKubernetes(hour)
    const whole = await statusOf(memoryPages(bytes))
    const { hash, revision, keys: totalKey, totalSize, storageVersion: version } = whole
    t.same({ hash, revision, totalKey, totalSize, version }, status)
    for (const pages of [1, 3, 17, 512]) t.same(streamStatus(bytes, 4096, pages * 4096, pages), whole, `${pages} pages a segment`)
  })
}

test('segments may end anywhere, also within a page and its header', async (t) => {
  const bytes = readDatabase('snap-3.6.16.db')
  const whole = await statusOf(memoryPages(bytes))
  for (const segmentBytes of [1000, 4096, 4097, 5000, 10_007, 1 << 20])
    t.same(streamStatus(bytes, 4096, segmentBytes), whole, `${segmentBytes} bytes`)
})

test('overflow is put together over the ends of many segments, with stale pages between', async (t) => {
  const items = Array.from({ length: 40 }, (_, i) => row(i + 2, 0, `key-${i % 30}`, new Uint8Array(i % 5 === 0 ? 300_000 : 40).fill(i)))
  const { bytes } = buildDatabase({ items: [['key', { items }], meta] }, { pageBytes: 1024, spread: 2 })
  const whole = streamStatus(bytes, 1024, bytes.length)
  t.match(whole, { keys: 30, items: 41, revision: 41, consistentIndex: 256 })
  for (const pages of [1, 2, 7, 100, 300]) t.same(streamStatus(bytes, 1024, pages * 1024), whole, `${pages} pages a segment`)
})

test('the newest row of a key decides, and every tombstone counts as an item', async (t) => {
  const rows = [
    row(2, 0, 'a', new Uint8Array(3)),
    row(3, 0, 'a', undefined),
    row(4, 0, 'b', new Uint8Array(1)),
    row(4, 1, 'a', new Uint8Array(2)),
    row(5, 0, 'b', undefined),
  ]
  const { bytes } = buildDatabase({ items: [['key', { items: rows }], meta] })
  t.match(streamStatus(bytes, 4096, 4096), { keys: 1, items: 6, revision: 5 })
})

test('keys are counted right beyond the first size of the table', async (t) => {
  const items = Array.from({ length: 9000 }, (_, i) =>
    row(i + 2, 0, `key-${i % 6000}`, i % 6000 < 100 && i >= 6000 ? undefined : new Uint8Array(0)),
  )
  const { bytes } = buildDatabase({ items: [['key', { items }], meta] })
  t.match(streamStatus(bytes, 4096, 64 << 10), { keys: 5900, items: 9001 })
})

test('an empty database of etcd has revision 0 and goes on from 1', async (t) => {
  const { bytes } = buildDatabase({ items: [['cluster', { items: [] }], ['key', { items: [] }], meta] })
  t.match(streamStatus(bytes, 4096, 4096), { revision: 0, currentRevision: 1, keys: 0, items: 1, compactRevision: -1, term: undefined })
})

test('a database without any bucket has a status', async (t) => {
  const { bytes } = buildDatabase({ items: [] })
  t.match(streamStatus(bytes, 4096, 4096), { hash: 0, revision: 0, keys: 0, items: 0, totalSize: 3 * 4096 })
})

test('databases that etcd did not write have a status, with nested buckets, a freelist, other page sizes', async (t) => {
  for (const [name, pageBytes] of [
    ['bolt-nested-4k.db.gz', 4096],
    ['bolt-nested-16k.db.gz', 16384],
  ] as const) {
    const status = streamStatus(readDatabase(name), pageBytes, 3 * pageBytes)
    t.match(status, { hash: 3573468082, revision: 0, keys: 0, items: 201, pageBytes })
  }
  t.match(await statusOf(memoryPages(readDatabase('bolt-bigfreelist-1k.db.gz'))), { revision: 0, keys: 0, items: 2 })
})

test('rows of bucket key that etcd cannot have written are refused in a database of etcd', async (t) => {
  const { bytes } = buildDatabase({ items: [['key', { items: [['no revision', 'x']] }], meta] })
  t.throws(() => streamStatus(bytes, 4096, 4096), { name: 'BoltError', code: 'schema' })
})

test('a stream that ends before its high-water mark is truncated', async (t) => {
  const bytes = readDatabase('snap-3.6.16.db')
  for (const length of [4096, 8192, 40_960, bytes.length - 33])
    t.throws(() => streamStatus(bytes.subarray(0, length), 4096, 8192), { code: 'truncated' })
  t.throws(() => streamStatus(bytes.subarray(0, 100), 4096, 8192), { code: 'not-bolt' })
})

test('pages that claim to cover all others take bounded work and are refused when they are needed', async (t) => {
  const items = Array.from({ length: 2000 }, (_, i) => row(i + 2, 0, `key-${i}`, new Uint8Array(60)))
  const { bytes, leaves } = buildDatabase({ items: [['key', { items }], meta] }, { pageBytes: 1024 })
  const view = new DataView(bytes.buffer)
  const last = leaves.at(-1)!
  for (const leaf of leaves.slice(0, -2)) view.setUint32(leaf * 1024 + 12, last - leaf, true)
  for (const segmentBytes of [1024, 1 << 20]) {
    const error = t.throws(() => streamStatus(bytes, 1024, segmentBytes)) as unknown as BoltError
    t.ok(error instanceof BoltError)
    t.ok(['unread', 'shared'].includes(error.code), error.code)
  }
})
