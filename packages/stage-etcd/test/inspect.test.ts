import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { test } from 'tap'
import { inspect } from '../src/inspect.ts'

const fixtures = join(import.meta.dirname, '../../../test/fixtures/k8s-small')
const snapshot = zstdDecompressSync(readFileSync(join(fixtures, 'hour-01.db.zst')))
const known = JSON.parse(readFileSync(join(fixtures, 'hour-01.db.status.json'), 'utf8'))
const chunking = { id: 'page/4096', pageBytes: 4096 }
const secret = Uint8Array.from({ length: 32 }, (_, i) => 0xf0 + i)

async function factsOf(bytes: Uint8Array, segmentBytes = 2 << 20) {
  // Plan and looks cross threads.
  const plan = structuredClone(inspect.plan(bytes.subarray(0, 65_536), chunking, secret)!)
  const collector = inspect.collect(plan)
  const slot = new Uint8Array(new SharedArrayBuffer(segmentBytes))
  for (let position = 0; position < bytes.length; position += segmentBytes) {
    const segment = slot.subarray(0, Math.min(segmentBytes, bytes.length - position))
    segment.set(bytes.subarray(position, position + segment.length))
    collector.take(structuredClone(inspect.look(segment, position, plan)), segment, position)
  }
  return collector.conclude()
}

test('the facts of a snapshot are those of etcdutl, and what the database says of itself', async (t) => {
  t.same(await factsOf(snapshot), {
    revision: known.revision,
    keys: known.totalKey,
    items: 5425,
    status_hash: known.hash,
    total_size: known.totalSize,
    storage_version: known.version,
    cluster_version: '3.6.0',
    consistent_index: 9204,
    term: 2,
    page_bytes: 4096,
    compact_revision: 4850,
    hash_kv: { hash: 3930911787, hash_revision: 9163, compact_revision: 4850 },
  })
})

test('the facts do not depend on the segments, nor on a trailer', async (t) => {
  const facts = await factsOf(snapshot)
  t.same(await factsOf(snapshot, 65_536), facts)
  t.same(await factsOf(snapshot, 100_000), facts)
  t.equal(snapshot.length % 512, 32)
  t.same(await factsOf(snapshot.subarray(0, -32)), facts)
})

test('a stream that is no database of bbolt is not inspected', async (t) => {
  for (const bytes of [new Uint8Array(0), new Uint8Array(1), new Uint8Array(65_536), Buffer.from('text '.repeat(500))]) {
    t.equal(inspect.plan(bytes, chunking, secret), undefined)
  }
})

test('a database of the other byte order is not inspected', async (t) => {
  const bytes = new Uint8Array(65_536)
  bytes.set([0xed, 0x0c, 0xda, 0xed, 0, 0, 0, 2], 16)
  t.equal(inspect.plan(bytes, chunking, secret), undefined)
})

test('a database that contradicts itself is refused, naming page and fault', async (t) => {
  const bytes = Uint8Array.from(snapshot)
  const view = new DataView(bytes.buffer)
  const root = view.getUint32(32, true)
  view.setUint32(root * 4096, 77, true)
  await t.rejects(factsOf(bytes), {
    name: 'KpipeError',
    code: 'KPIPE_BOLT_INVALID',
    details: { fault: 'page', page: root },
    cause: { name: 'BoltError' },
  })
  await t.rejects(factsOf(snapshot.subarray(0, 1_000_000)), { code: 'KPIPE_BOLT_INVALID', details: { fault: 'truncated' } })
})

test('the seed comes from the secret, so that looks of one repository fit together', async (t) => {
  const head = snapshot.subarray(0, 65_536)
  const plan = { pageBytes: 4096, seed: 0xf3f2f1f0, chunksArePages: true }
  t.same(inspect.plan(head, chunking, secret), plan)
  t.same(inspect.plan(head, chunking, Buffer.concat([Uint8Array.of(1), secret]).subarray(1)), plan)
})

test('an earlier look is taken where chunks are pages, and only there', async (t) => {
  const segment = Uint8Array.from(snapshot.subarray(0, 64 * 4096))
  const damaged = segment.slice()
  for (let at = 4095; at < damaged.length; at += 4096) damaged[at] ^= 1
  for (const [pageBytes, isTaken] of [
    [4096, true],
    [2048, false],
    [16_384, false],
    [0, false],
  ] as const) {
    const plan = inspect.plan(snapshot.subarray(0, 65_536), { id: 'x', pageBytes }, secret)!
    // A lie about all pages shows whether it is believed.
    const earlier = { look: inspect.look(damaged, 0, plan), same: new Uint8Array(256).fill(1) }
    const look = Buffer.from(inspect.look(segment, 0, plan, earlier))
    t.equal(!look.equals(inspect.look(segment, 0, plan)), isTaken, `chunks of ${pageBytes} bytes`)
  }
})
