import { test } from 'tap'
import { hashKv, memoryPages, openBolt } from '../src/index.ts'
import type { HashKv } from '../src/index.ts'
import { crc32c } from '../src/crc32c.ts'
import { buildDatabase, row } from './database.ts'
import type { Item } from './database.ts'
import { readDatabase, readJson, snapshotVersions } from './fixtures.ts'

const hashOf = async (bytes: Uint8Array, revision?: number) => hashKv(await openBolt(memoryPages(bytes)), revision)

interface Said {
  readonly hash: number
  readonly hashRevision: number
  readonly compactRevision: number
}

for (const version of snapshotVersions) {
  test(`HashKV of a snapshot of etcd ${version} is what the server said`, async (t) => {
    const bytes = readDatabase(`snap-${version}.db`)
    const expected = readJson<Record<string, Said>>(`snap-${version}.expected.json`)
    const said = ({ hash, hashRevision, compactRevision }: Said): HashKv => ({ hash, revision: hashRevision, compactRevision })
    t.same(await hashOf(bytes), said(expected['etcdutl-3.7.3-hashkv']))
    t.same(await hashOf(bytes, 140), said(expected['etcdutl-3.7.3-hashkv-rev140']))
    const [server] = expected['server-hashkv'] as unknown as { HashKV: { hash: number } }[]
    t.equal((await hashOf(bytes)).hash, server.HashKV.hash)
  })
}

test('the empty row that a bump leaves behind is hashed like any other', async (t) => {
  t.match(await hashOf(readDatabase('snap-3.6.16-after-bump.db.gz')), { hash: 4_010_447_750, revision: 1142 })
})

test('a revision that is to come, or was compacted, is refused', async (t) => {
  const bytes = readDatabase('snap-3.6.16.db')
  await t.rejects(hashOf(bytes, 143), RangeError)
  await t.rejects(hashOf(bytes, 137), RangeError)
  t.match(await hashOf(bytes, 138), { revision: 138, compactRevision: 138 })
})

test('of compacted rows only those count that were the newest then', async (t) => {
  const value = new Uint8Array(10)
  const rows = [
    row(2, 0, 'a', value),
    row(3, 0, 'b', value),
    row(4, 0, 'a', value),
    row(5, 0, 'c', value),
    row(6, 0, 'c', undefined),
    row(7, 0, 'd', value),
    row(8, 0, 'b', value),
  ]
  const compaction = row(6, 0, '', value)[0]
  const meta: Item[] = [['finishedCompactRev', compaction]]
  const { bytes } = buildDatabase({ items: [['key', { items: rows }], ['meta', { items: meta }]] }, { pageBytes: 1024 }) // prettier-ignore
  const crcOf = (kept: readonly Item[]) => {
    const parts = kept.flatMap(([key, value]) => [key as Uint8Array, value as Uint8Array])
    const whole = Buffer.concat([Buffer.from('key'), ...parts])
    return crc32c(new DataView(whole.buffer, whole.byteOffset, whole.length), 0, whole.length)
  }
  // At 8, b was written again; at 7, its old row still counts.
  t.same(await hashOf(bytes), { hash: crcOf([rows[2], rows[5], rows[6]]), revision: 8, compactRevision: 6 })
  t.same(await hashOf(bytes, 7), { hash: crcOf([rows[1], rows[2], rows[5]]), revision: 7, compactRevision: 6 })
})

test('a bucket key that etcd did not write is refused', async (t) => {
  for (const item of [
    ['no revision', 'value'],
    [row(2, 0, 'a', new Uint8Array(1))[0], new Uint8Array([0x0a, 0xff])],
  ] as Item[]) {
    const { bytes } = buildDatabase({ items: [['key', { items: [item] }]] })
    await t.rejects(hashOf(bytes), { name: 'BoltError', code: 'schema' })
  }
})
