import { memoryStore } from '@kpipe/engine/testing'
import type { MemoryStore } from '@kpipe/engine/testing'
import { test } from 'tap'
import { keyRing } from '../src/keys/key-ring.ts'
import { encodeEntry, entryDigest, entryName } from '../src/log/entry.ts'
import { readLog, readLogInBatches } from '../src/log/read-log.ts'
import { codeOf } from './made-repository.ts'

const ring = keyRing(Buffer.alloc(16), [{ epoch: 1, m: Buffer.alloc(32, 1), d: Buffer.alloc(32), tagKey: Buffer.alloc(64) }])
const head = { n: 0, digest: Buffer.alloc(32, 7) }
const batch = 4096

/** Entries 1 to `last`, none of which has an effect. */
function entries(last: number): MemoryStore {
  const store = memoryStore()
  let previous: Uint8Array = head.digest
  for (let n = 1; n <= last; n++) {
    const bytes = entry(n, previous)
    store.objects.set(entryName(n), bytes)
    previous = entryDigest(bytes)
  }
  return store
}

function entry(n: number, previous: Uint8Array): Buffer {
  return encodeEntry(ring, { n, epoch: 1, previous }, { kind: 'ABORT', time: 0, writer: Buffer.alloc(8), reason: '' })
}

test('a log of thousands is read in batches, each entry once and in order', async (t) => {
  const store = entries(batch + 5)
  const sizes: number[] = []
  for await (const part of readLogInBatches(store, ring, head)) sizes.push(part.length)
  t.same(sizes, [batch, 5])
  const all = await readLog(store, ring, head)
  t.same(
    all.map(({ n }) => n),
    Array.from({ length: batch + 5 }, (_, index) => index + 1),
  )
  t.same(await readLog(store, ring, { n: batch + 5, digest: all.at(-1)!.digest! }), [])
})

test('an entry of another history is noticed, at the begin of a batch as well, and a lost one is handed on', async (t) => {
  for (const n of [1, 2, batch, batch + 1, batch + 5]) {
    const store = entries(batch + 5)
    const whole = store.objects.get(entryName(n))!
    store.objects.set(entryName(n), entry(n, Buffer.alloc(32, 8)))
    t.equal(await codeOf(() => readLog(store, ring, head)), 'KPIPE_DAMAGED', `entry ${n}`)
    store.objects.set(entryName(n), whole.with(100, whole[100] ^ 1))
    const read = await readLog(store, ring, head)
    t.same([read.length, read.filter((one) => !('payload' in one)).map((one) => one.n)], [batch + 5, [n]])
  }
})
