import { faultyStore, memoryStore } from '@kpipe/engine/testing'
import type { MemoryStore } from '@kpipe/engine/testing'
import { KpipeError } from '@kpipe/engine/contracts'
import { test } from 'tap'
import type { Repository } from '../../src/index.ts'
import { codeOf, madeRepository, noise, reopened } from '../made-repository.ts'
import { backUp, begin, commit, feed, pageBytes, restore } from '../paged-backup.ts'
import { asProcess, deadPid, prunedNow } from './kept-history.ts'

const streams = ['a', 'b', 'c'].map((seed) => noise(600 * pageBytes, seed))

/** Two names; of the second name the older snapshot is forgotten: its packs are of no use any more. */
async function withForgotten(): Promise<{ store: MemoryStore; repository: Repository }> {
  const { store, repository } = await madeRepository()
  await backUp(repository, streams[0], { name: 'one' })
  const { snapshot } = await backUp(repository, streams[1], { name: 'two', member: 'm1' })
  await backUp(repository, streams[2], { name: 'two', member: 'm2' })
  await repository.forget([snapshot.id])
  return { store, repository }
}

function packsOf({ objects }: MemoryStore): string[] {
  return [...objects.keys()].filter((name) => name.startsWith('packs/')).toSorted()
}

async function allRestore(repository: Repository): Promise<boolean> {
  for (const snapshot of repository.snapshots()) {
    const restored = await restore(repository, snapshot)
    if (!streams.some((stream) => stream.equals(restored))) return false
  }
  return true
}

test('what no snapshot uses is condemned, and removed when the delay is over', async (t) => {
  const { store, repository } = await withForgotten()
  const before = packsOf(store)
  const first = await repository.prune({ apply: true })
  t.equal(first.condemned.objects, 2, 'chunks and recipe')
  t.match(first, { swept: { objects: 0 }, waiting: { objects: 2 }, waitsForWriters: false, freedBytes: 0, applied: true })
  t.same(packsOf(store), before, 'nothing is removed yet')
  const second = await repository.prune({ apply: true, sweepDelayMs: 0 })
  t.match(second, { condemned: { objects: 0 }, swept: { objects: 2 }, waiting: { objects: 0 } })
  t.equal(second.freedBytes, first.condemned.bytes)
  t.equal(packsOf(store).length, before.length - 2)
  t.ok(await allRestore(await reopened(store)))
  t.same(
    (await reopened(store)).snapshots().map(({ name }) => name),
    ['one', 'two'],
  )
})

test('without apply nothing changes and the report says what would', async (t) => {
  const { store, repository } = await withForgotten()
  const before = new Map(store.objects)
  const dry = await repository.prune({})
  t.match(dry, { applied: false, condemned: { objects: 2 }, swept: { objects: 0 } })
  t.same([...store.objects.keys()], [...before.keys()])
  await repository.prune({ apply: true })
  const waiting = await repository.prune({})
  t.match(waiting, { condemned: { objects: 0 }, swept: { objects: 0 }, waiting: { objects: 2 } })
  const due = await repository.prune({ sweepDelayMs: 0 })
  t.match(due, { swept: { objects: 2, bytes: dry.condemned.bytes }, waiting: { objects: 0 }, freedBytes: dry.condemned.bytes })
})

test('a collection that finds nothing to do writes nothing', async (t) => {
  const { store, repository } = await madeRepository()
  await backUp(repository, streams[0])
  const before = store.objects.size
  t.match(await prunedNow(repository), { condemned: { objects: 0 }, leftovers: { objects: 0 }, unknown: [], attention: [] })
  t.equal(store.objects.size, before)
})

test('a backup that began before keeps condemned packs, and brings back those that it uses', async (t) => {
  const { store, repository } = await madeRepository()
  const { snapshot: older } = await backUp(repository, streams[0])
  const running = await begin(await reopened(store))
  t.equal(running.parent?.id, older.id)
  const other = await reopened(store)
  await backUp(other, streams[1])
  await other.forget([older.id])
  const report = await prunedNow(other)
  t.match(report, { condemned: { objects: 2 }, swept: { objects: 0 }, waiting: { objects: 2 }, waitsForWriters: true })
  t.equal(report.openWriters.length, 1)
  const fresh = await feed(other, running, streams[0])
  t.equal(fresh, 0, 'all chunks are the parent’s')
  const { snapshot } = await commit(running, streams[0])
  t.match(await prunedNow(other), { condemned: { objects: 0 }, swept: { objects: 0 }, waiting: { objects: 0 } })
  t.ok((await restore(other, other.find(snapshot.id))).equals(streams[0]))
})

test('an unfinished writer is ended when its process is gone, when it is old, or when it is named', async (t) => {
  const { store, repository } = await madeRepository()
  await asProcess(deadPid(), async () => begin(await reopened(store)))
  const alive = await begin(await reopened(store))
  const dry = await repository.prune({})
  t.equal(dry.endedWriters.length, 1)
  t.match(dry.endedWriters[0].reason, /its process \d+ is gone/)
  t.equal(dry.openWriters.length, 1)
  const report = await repository.prune({ apply: true })
  t.same(report.endedWriters, dry.endedWriters)
  t.equal((await repository.prune({ apply: true })).endedWriters.length, 0)
  const [{ id }] = report.openWriters
  t.equal(await codeOf(() => repository.prune({ apply: true, endWriters: [id.slice(0, 3)] })), 'KPIPE_USAGE')
  t.match((await repository.prune({ openTtlMs: 0 })).endedWriters, [{ id, reason: /more than 0 h ago/ }])
  t.match((await repository.prune({ apply: true, endWriters: [id.slice(0, 4)] })).endedWriters, [{ id, reason: 'it was named' }])
  await feed(repository, alive, streams[0])
  t.equal(await codeOf(() => commit(alive, streams[0])), 'KPIPE_APPEND_LOST', 'it lived after all')
  t.same((await reopened(store)).snapshots(), [])
})

test('packs of writers that ended without a snapshot are removed, those of open and of unknown ones stay', async (t) => {
  const { store, repository } = await madeRepository()
  const { snapshot } = await backUp(repository, streams[0])
  const kept = packsOf(store)
  // One pack is full, and what is left over is dropped with the writer.
  const lengths = new Uint32Array(5 * 16).fill(2 ** 16)
  const died = await asProcess(deadPid(), () => begin(repository, { name: 'died', lengths }))
  await feed(repository, died, noise(5 * 2 ** 20, 'died'), { lengths, frameChunks: 16 })
  const aborted = await begin(repository, { name: 'aborted', lengths })
  await feed(repository, aborted, noise(5 * 2 ** 20, 'aborted'), { lengths, frameChunks: 16 })
  await aborted.abort('a test')
  const beforeOpen = packsOf(store)
  const open = await begin(repository, { name: 'open', lengths })
  await feed(repository, open, noise(5 * 2 ** 20, 'open'), { lengths, frameChunks: 16 })
  const ofOpen = packsOf(store).filter((name) => !beforeOpen.includes(name))
  t.equal(ofOpen.length, 1)
  const unknown = `packs/00/${'ab'.repeat(15)}00`
  store.objects.set(unknown, Buffer.alloc(10))
  const dry = await repository.prune({})
  const report = await prunedNow(repository)
  t.equal(report.leftovers.objects, 2)
  t.same(report.leftovers, dry.leftovers)
  t.equal(report.freedBytes, report.leftovers.bytes)
  t.same(report.unknown, [unknown])
  t.same(packsOf(store), [...kept, ...ofOpen, unknown].toSorted())
  t.ok((await restore(repository, snapshot)).equals(streams[0]))
})

test('packs that were swept when a collection died are removed by the next one', async (t) => {
  const { store, repository } = await withForgotten()
  const before = packsOf(store)
  const faulty = faultyStore(store, ({ operation }) => (operation === 'remove' ? { kind: 'fail', error: died } : undefined))
  t.equal(await codeOf(async () => prunedNow(await reopened(faulty))), 'KPIPE_STORE_FORBIDDEN')
  t.ok(faulty.fired.length > 0)
  t.same(packsOf(store), before)
  t.match(await prunedNow(repository), { swept: { objects: 0 }, leftovers: { objects: 2 } })
  t.equal(packsOf(store).length, before.length - 2)
})

test('while an entry of the log is lost, nothing is removed: its packs would look like leftovers', async (t) => {
  const { store, repository } = await withForgotten()
  await repository.keys.rotate()
  await prunedNow(repository, { reseal: true })
  const log = [...store.objects.keys()].filter((name) => name.startsWith('log/')).toSorted()
  const before = packsOf(store)
  for (const name of log.slice(1)) {
    const held = memoryStore([...store.objects])
    held.objects.delete(name)
    const damaged = await reopened(held).catch(() => undefined)
    if (damaged === undefined || damaged.lost.length === 0) continue
    t.equal(await codeOf(() => prunedNow(damaged, { openTtlMs: 0 })), 'KPIPE_DAMAGED', name)
    t.equal(await codeOf(() => damaged.prune({})), 'KPIPE_DAMAGED')
    t.same(packsOf(held), before)
  }
})

test('a full store gives up its reserve for the entries of the log, and gets it back at the end', async (t) => {
  const { store: held } = await withForgotten()
  const objects = held.objects
  let room = 0
  const reserve = 'reserve/0'
  const full = {
    ...memoryStore(),
    ...held,
    reserve: true,
    async create(name: string, parts: readonly Uint8Array[]) {
      const bytes = parts.reduce((sum, part) => sum + part.length, 0)
      if (bytes > room) throw new KpipeError('KPIPE_STORE_FULL', `no room for ${name}`)
      room -= bytes
      return held.create(name, parts)
    },
    async remove(name: string) {
      room += objects.get(name)?.length ?? 0
      await held.remove(name)
    },
  }
  objects.set(reserve, Buffer.alloc(16 * 2 ** 20))
  const report = await prunedNow(await reopened(full))
  t.match(report, { swept: { objects: 2 }, attention: [] })
  t.equal(objects.get(reserve)?.length, 2 ** 16, 'of a small repository a small one')
  t.ok(room > 15 * 2 ** 20)
  objects.delete(reserve)
  room = 0
  const repository = await reopened({ ...full, reserve: true })
  await t.rejects(backUp(repository, streams[1]), { code: 'KPIPE_STORE_FULL' })
  t.equal(await codeOf(() => prunedNow(repository, { endWriters: [] })), 'none', 'nothing is to be written')
})

test('two collections at once remove what is due once, and lose nothing', async (t) => {
  const { store } = await withForgotten()
  const [one, other] = [await reopened(store), await reopened(store)]
  const reports = await Promise.all([prunedNow(one), prunedNow(other)])
  const swept = reports.reduce((sum, report) => sum + report.swept.objects, 0)
  await prunedNow(await reopened(store))
  t.ok(swept <= 2)
  const repository = await reopened(store)
  t.match(await prunedNow(repository), { condemned: { objects: 0 }, waiting: { objects: 0 }, openWriters: [] })
  t.ok(await allRestore(repository))
})

function died(): KpipeError {
  return new KpipeError('KPIPE_STORE_FORBIDDEN', 'gone')
}
