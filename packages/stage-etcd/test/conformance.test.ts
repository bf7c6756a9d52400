import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { inspectConformance, sourceConformance } from '@kpipe/engine/testing'
import { test } from 'tap'
import { inspect } from '../src/inspect.ts'
import { source } from '../src/source.ts'
import { fakeEtcd, playSnapshot, trailerOf, type FakeEtcd } from './fake-etcd.ts'

const fixtures = join(import.meta.dirname, '../../../test/fixtures/k8s-small')
const snapshot = zstdDecompressSync(readFileSync(join(fixtures, 'hour-00.db.zst')))

for (const { title, run } of inspectConformance(inspect, { stream: snapshot, chunking: { id: 'page/4096', pageBytes: 4096 } })) {
  test(`inspector: ${title}`, (t) => t.resolves(run()))
}

const data = randomBytes(1_000_000)
const bytes = new Uint8Array(Buffer.concat([data, trailerOf(data)]))

for (const { title, run } of sourceConformance(source, () => place())) {
  test(`source: ${title}`, async (t) => {
    try {
      await t.resolves(run())
    } finally {
      await Promise.all(started.splice(0).map((etcd) => etcd.close()))
    }
  })
}

const started: FakeEtcd[] = []

async function place() {
  const etcd = await fakeEtcd({ snapshot: playSnapshot(data, Array(15).fill(65_536)) })
  started.push(etcd)
  return { settings: { location: `etcd://${etcd.address}` }, bytes, letGo: () => etcd.letGo() }
}
