import { createHash } from 'node:crypto'
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { test } from 'tap'
import type { MemoryStore } from '@kpipe/engine/testing'
import type { Recode } from '../../src/collection/recode.ts'
import type { Repository } from '../../src/index.ts'
import { dice, madeRepository, noise, reopened } from '../made-repository.ts'
import { backUp, begin, commit, feed, pageBytes, restore } from '../paged-backup.ts'
import { flip, history, packs, readAll } from '../damage/damaged-history.ts'
import { identityRecode, prunedNow } from './kept-history.ts'

function packBytes({ objects }: MemoryStore): number {
  return [...objects].filter(([name]) => name.startsWith('packs/')).reduce((sum, [, bytes]) => sum + bytes.length, 0)
}

/** A stream whose pages change a few at a time. */
function* hours(pages: number, changedAnHour: number, seed: number, page = pageBytes): Generator<Buffer, never> {
  const roll = dice(seed)
  const bytes = noise(pages * page, `begin ${seed}`)
  for (let hour = 0; ; hour++) {
    for (let change = 0; change < changedAnHour; change++) {
      noise(page, `${seed} ${hour} ${change}`).copy(bytes, Math.floor(roll() * pages) * page)
    }
    yield Buffer.from(bytes)
  }
}

/** Backs up some hours; the newest and every seventh are kept. What is kept, by id. */
async function keptHours(repository: Repository, count: number): Promise<Map<string, Buffer>> {
  const kept = new Map<string, Buffer>()
  const going: string[] = []
  const stream = hours(500, 40, 3)
  for (let hour = 0; hour < count; hour++) {
    const bytes = stream.next().value
    const { snapshot } = await backUp(repository, bytes)
    if (hour % 7 === 0 || hour === count - 1) kept.set(snapshot.id, bytes)
    else going.push(snapshot.id)
  }
  await repository.forget(going)
  return kept
}

async function allRestore(repository: Repository, kept: ReadonlyMap<string, Buffer>): Promise<boolean> {
  const there = repository.snapshots().map(({ id }) => id)
  if (there.length !== kept.size) return false
  for (const [id, bytes] of kept) if (!(await restore(repository, repository.find(id))).equals(bytes)) return false
  return true
}

test('packs with too little of use are written anew, and every kept snapshot restores', async (t) => {
  const { store, repository } = await madeRepository()
  const kept = await keptHours(repository, 36)
  const before = packBytes(store)
  const dry = await repository.prune({ maxUnused: { bytes: 0 }, recode: identityRecode(repository) })
  t.ok(dry.compacted.objects > 10, `${dry.compacted.objects} packs`)
  const report = await prunedNow(repository)
  t.same(report.compacted, dry.compacted)
  t.equal(report.unusedBytes, 0)
  t.match(report, { attention: [], endedEarly: undefined })
  t.ok(report.written.bytes < dry.compacted.bytes * 0.8)
  const after = packBytes(store)
  t.ok(after < before * 0.8, `${before} → ${after}`)
  t.ok(await allRestore(repository, kept))
  t.ok(await allRestore(await reopened(store), kept))
  const again = await prunedNow(repository)
  t.match(again, { compacted: { objects: 0 }, condemned: { objects: 0 }, unusedBytes: 0 })
})

test('backups go on from compacted parents, and what they share is shared still', async (t) => {
  const { store, repository } = await madeRepository()
  const kept = await keptHours(repository, 20)
  await prunedNow(repository)
  const stream = hours(500, 40, 3)
  for (let hour = 0; hour < 20; hour++) stream.next()
  for (let hour = 20; hour < 40; hour++) {
    const bytes = stream.next().value
    const { snapshot, fresh } = await backUp(repository, bytes)
    t.ok(fresh <= 40, `${fresh} fresh chunks`)
    kept.set(snapshot.id, bytes)
    if (hour % 5 === 0) await prunedNow(repository)
  }
  t.ok(await allRestore(await reopened(store), kept))
})

test('a share of unused bytes may stay, and packs with the most of them go first', async (t) => {
  const { repository, store } = await madeRepository()
  const kept = await keptHours(repository, 36)
  const some = await prunedNow(repository, { maxUnused: { percent: 20 } })
  t.ok(some.compacted.objects > 0)
  const { bytes } = (await repository.prune({ maxUnused: 'unlimited' })).compacted
  t.equal(bytes, 0)
  t.ok(some.unusedBytes > 0 && some.unusedBytes <= 0.2 * packBytes(store), `${some.unusedBytes} unused`)
  const rest = await prunedNow(repository, { maxUnused: { percent: 5 } })
  t.ok(rest.unusedBytes <= some.unusedBytes && rest.unusedBytes <= 0.05 * packBytes(store))
  t.ok(await allRestore(repository, kept))
})

test('many small packs become one', async (t) => {
  const { repository, store } = await madeRepository()
  const kept = new Map<string, Buffer>()
  const stream = hours(300, 10, 5)
  for (let hour = 0; hour < 32; hour++) {
    const bytes = stream.next().value
    kept.set((await backUp(repository, bytes)).snapshot.id, bytes)
  }
  const report = await prunedNow(repository, { maxUnused: 'unlimited' })
  t.equal(report.compacted.objects, 64)
  t.equal(report.written.objects, 2)
  t.equal([...store.objects.keys()].filter((name) => name.startsWith('packs/')).length, 2)
  t.ok(await allRestore(await reopened(store), kept))
})

test('a time limit ends it early, and the next collection goes on', async (t) => {
  const { repository, store } = await madeRepository()
  const kept = await keptHours(repository, 36)
  const early = await prunedNow(repository, { maxTimeMs: 0 })
  t.match(early, { endedEarly: 'its time is over', compacted: { objects: 0 } })
  t.ok(early.unusedBytes > 0)
  t.match(await prunedNow(repository), { endedEarly: undefined, unusedBytes: 0 })
  t.ok(await allRestore(await reopened(store), kept))
})

test('a collection that is stopped says so in the log, and the next one goes on', async (t) => {
  const { repository, store } = await madeRepository()
  const kept = await keptHours(repository, 20)
  const stopping = new AbortController()
  const recode = identityRecode(repository)
  const decode: typeof recode.decode = (...frame) => {
    stopping.abort(new Error('stopped by hand'))
    return recode.decode(...frame)
  }
  await t.rejects(prunedNow(repository, { signal: stopping.signal, recode: { ...recode, decode } }), { message: 'stopped by hand' })
  const after = await reopened(store)
  const report = await prunedNow(after)
  t.match(report, { openWriters: [], endedWriters: [], unusedBytes: 0 })
  t.ok(await allRestore(after, kept))
})

test('without codecs at hand, packs that need them stay, and it is said', async (t) => {
  const { repository } = await madeRepository()
  const kept = await keptHours(repository, 20)
  const report = await prunedNow(repository, { recode: undefined })
  t.match(report.attention, [/stay as they are: their codecs are not at hand/])
  t.ok(report.unusedBytes > 0)
  t.ok(await allRestore(repository, kept))
})

test('a backup that began before a compaction publishes what it has from the old packs', async (t) => {
  const { repository, store } = await madeRepository()
  const kept = await keptHours(repository, 15)
  const other = await reopened(store)
  const running = await begin(other)
  const parent = kept.get(running.parent!.id)!
  const report = await prunedNow(repository)
  t.ok(report.compacted.objects > 0 && report.waiting.objects > 0 && report.waitsForWriters)
  t.equal(await feed(other, running, parent), 0)
  const { snapshot } = await commit(running, parent)
  kept.set(snapshot.id, parent)
  t.ok(await allRestore(await reopened(store), kept))
  await prunedNow(repository)
  await prunedNow(repository)
  t.ok(await allRestore(await reopened(store), kept))
})

test('after a rotation everything can be sealed under the newest keys', async (t) => {
  const { repository, store } = await madeRepository()
  const kept = await keptHours(repository, 10)
  await repository.keys.rotate()
  await backUp(repository, [...kept.values()].at(-1)!, { name: 'other' })
  t.match(await prunedNow(repository, { maxUnused: 'unlimited' }), { compacted: { objects: 0 } })
  const report = await prunedNow(repository, { maxUnused: 'unlimited', reseal: true })
  t.ok(report.compacted.objects > 2)
  t.match(await prunedNow(repository, { maxUnused: 'unlimited', reseal: true }), { compacted: { objects: 0 } })
  const fresh = await reopened(store)
  for (const [id, bytes] of kept) t.ok((await restore(fresh, fresh.find(id))).equals(bytes))
  t.same((await fresh.check({ read: undefined })).damages, [])
})

test('frames that are wholly of use are moved byte by byte', async (t) => {
  const { repository, store } = await madeRepository()
  const lengths = new Uint32Array(64).fill(2 ** 16)
  const options = { lengths, frameChunks: 32 }
  const bytes = noise(64 * 2 ** 16, 'large')
  const first = await backUp(repository, bytes, options)
  noise(2 ** 16, 'changed').copy(bytes, 0)
  const { snapshot } = await backUp(repository, bytes, options)
  await repository.forget([first.snapshot.id])
  let encoded = 0
  const recode = identityRecode(repository)
  const report = await prunedNow(repository, {
    recode: { ...recode, encode: (frame) => ((encoded += frame.bytes.length), recode.encode(frame)) },
  })
  t.equal(report.compacted.objects > 0, true)
  t.equal(encoded, 31 * 2 ** 16, 'just the frame that lost a chunk')
  const fresh = await reopened(store)
  t.ok((await restore(fresh, fresh.find(snapshot.id))).equals(bytes))
})

test('a copy that heals is taken along although no snapshot needs it now', async (t) => {
  const { store, made, now } = await history()
  flip(store, packs(store, 'D')[0], 100)
  await readAll(await reopened(store))
  // Stores the 30 lost pages that there still are, which heals the older snapshots, and 20 others beside them.
  now.set(noise(20 * pageBytes, 'beside'), 100 * pageBytes)
  const healing = await backUp(await reopened(store), now, { frameChunks: 50 })
  t.equal(healing.fresh, 50)
  const without = Buffer.from(now)
  without.set(noise(30 * pageBytes, 'others'), 0)
  const repository = await reopened(store)
  const last = await backUp(repository, without)
  await repository.forget([...made.map(({ snapshot }) => snapshot.id), healing.snapshot.id])
  t.ok((await prunedNow(repository)).compacted.objects > 0)
  // The pages come again, in a pack of their own.
  const again = await backUp(await reopened(store), now)
  t.equal(again.fresh, 30)
  const after = await reopened(store)
  t.ok((await restore(after, again.snapshot)).equals(now))
  t.ok((await restore(after, last.snapshot)).equals(without))
  t.same((await readAll(after)).damages, [])
})

/** How many bytes a restore decodes, beside those of the snapshot. */
async function amplification(repository: Repository, id: string): Promise<number> {
  const stream = await repository.openStream(repository.find(id))
  const frames = await Promise.all(Array.from({ length: stream.frames }, (_, frame) => stream.load(frame)))
  return frames.reduce((sum, { lengths }) => sum + lengths[0], 0) / stream.bytes
}

test('what the newest snapshot of each name needs is gathered once it is scattered', async (t) => {
  const { store, repository } = await madeRepository()
  const kept = new Map<string, Buffer>()
  const newest = new Map<string, string>()
  const streams = { one: hours(500, 75, 5), two: hours(400, 60, 6) }
  const hour = async (): Promise<void> => {
    for (const name of ['one', 'two'] as const) {
      const bytes = streams[name].next().value
      const { snapshot } = await backUp(repository, bytes, { name })
      kept.set(snapshot.id, bytes)
      newest.set(name, snapshot.id)
    }
  }
  const worst = async (): Promise<number> =>
    Math.max(...(await Promise.all([...newest.values()].map((id) => amplification(repository, id)))))
  for (let count = 0; count < 30; count++) await hour()
  const before = await worst()
  t.ok(before > 3, `${before}`)
  const stored = packBytes(store)
  const report = await prunedNow(repository)
  t.ok(report.compacted.objects > 30, `${report.compacted.objects} packs`)
  const after = await worst()
  t.ok(after < 1.3, `${after}`)
  t.ok(packBytes(store) < stored, 'nothing is stored twice')
  t.ok(await allRestore(await reopened(store), kept))
  t.match(await prunedNow(repository), { compacted: { objects: 0 } })

  for (let count = 0; count < 20; count++) {
    await hour()
    const { compacted } = await prunedNow(repository)
    const now = await worst()
    t.ok(now <= 2, `${now} after ${count} more, with ${compacted.objects} packs written anew`)
  }
  t.ok(await allRestore(await reopened(store), kept))
})

test('no new pack is longer than can be moved again, when what stays of the old ones is what did not shrink', async (t) => {
  const { store, repository } = await madeRepository()
  const page = 4096
  const random = noise(16 * 2 ** 22, 'stays')
  const going: string[] = []
  for (let hour = 0; hour < 16; hour++) {
    // 4 MiB more that do not shrink, and 12 MiB that do and are others each hour.
    const text = Buffer.alloc(3 * 2 ** 22, 'x')
    for (let at = 0; at < text.length; at += page) text.write(`${hour} ${at}`, at)
    const bytes = Buffer.concat([random.subarray(0, (hour + 1) * 2 ** 22), text])
    const { snapshot } = await backUp(repository, bytes, { pageBytes: page, frameChunks: 4096, encode: deflateRawSync })
    if (hour < 15) going.push(snapshot.id)
  }
  await repository.forget(going)
  const identity = identityRecode(repository)
  const recode: Recode = {
    decode: (frame, slots, tags) => identity.decode({ ...frame, bytes: inflateRawSync(frame.bytes) }, slots, tags),
    async encode({ bytes }) {
      const stored = deflateRawSync(bytes)
      return {
        bytes: new Uint8Array(stored),
        digest: createHash('sha256').update(stored).digest().subarray(0, 16),
        lengths: [bytes.length, stored.length],
      }
    },
  }
  const { compacted } = await prunedNow(repository, { recode })
  t.ok(compacted.objects >= 15, `${compacted.objects} packs`)
  const longest = Math.max(...[...store.objects].filter(([name]) => name.startsWith('packs/')).map(([, bytes]) => bytes.length))
  t.ok(longest > 8 * 2 ** 20 && longest < 32 * 2 ** 20, `${longest} bytes`)
  t.match(await prunedNow(repository, { recode }), { compacted: { objects: 0 } })
  t.match(await repository.check({}), { damages: [] })
})
