import type { MemoryStore } from '@kpipe/engine/testing'
import { memoryStore } from '@kpipe/engine/testing'
import { test } from 'tap'
import type { Repository, Secret } from '../../src/index.ts'
import { keyRing } from '../../src/keys/key-ring.ts'
import { openSlots } from '../../src/keys/open-slots.ts'
import { slotName } from '../../src/keys/slot.ts'
import { encodeEntry, entryDigest, entryName, openEntry } from '../../src/log/entry.ts'
import type { Payload } from '../../src/log/payload.ts'
import { codeOf, keyFile, madeRepository, noise, reopened } from '../made-repository.ts'
import { prunedNow } from '../collection/kept-history.ts'
import { backUp, begin, feed, pageBytes, restore } from '../paged-backup.ts'
import { flip, logEntries, packs, readAll } from './damaged-history.ts'

const second: Secret = { kind: 'key-file', key: Buffer.alloc(32, 9), file: 'second.key' }
/** The database as the history leaves it. */
const stream = noise(100 * pageBytes, 'repair')
const dry = { apply: false, withoutSlots: [] }
const apply = { apply: true, withoutSlots: [] }

/** Entries: GENESIS, OPEN, SNAPSHOT, OPEN, ABORT, OPEN, SNAPSHOT, FORGET, CHECKED, OPEN, SNAPSHOT. */
async function history(): Promise<{ store: MemoryStore; repository: Repository; ids: string[] }> {
  const { store, repository } = await madeRepository()
  const ids: string[] = []
  noise(100 * pageBytes, 'repair').copy(stream)
  for (let turn = 0; turn < 3; turn++) {
    stream.set(noise(5 * pageBytes, `turn ${turn}`), turn * 7 * pageBytes)
    ids.push((await backUp(repository, stream)).snapshot.id)
    if (turn === 0) await (await begin(repository)).abort('stopped')
    if (turn === 1) await repository.forget([ids[0]])
    if (turn === 1) await readAll(repository)
  }
  return { store, repository, ids }
}

async function kindOf(store: MemoryStore, repository: Repository, n: number): Promise<string> {
  const ring = keyRing(Buffer.from(repository.id, 'hex'), (await openSlots(store, Buffer.from(repository.id, 'hex'), keyFile)).bundles)
  const entry = openEntry(ring, n, store.objects.get(entryName(n))!)
  return 'payload' in entry ? entry.payload.kind : 'lost'
}

test('after a lost entry of any kind a repair lets backups go on', async (t) => {
  const kinds = new Set<string>()
  const count = logEntries((await history()).store).length
  for (let n = 1; n < count; n++) {
    for (const harm of ['flip', 'remove'] as const) {
      const { store, repository, ids } = await history()
      const kind = await kindOf(store, repository, n)
      if (harm === 'remove' && n === count - 1) continue // That is a rollback.
      kinds.add(kind)
      if (harm === 'flip') flip(store, entryName(n), 100)
      else store.objects.delete(entryName(n))
      const lost = await reopened(store)
      t.equal(await codeOf(() => begin(lost)), 'KPIPE_DAMAGED', `${kind} ${n}`)
      const before = logEntries(store).length
      const plan = await lost.repair(dry)
      t.match(plan, { entries: [{ object: entryName(n), known: false }], keys: { leftOut: [] } })
      t.equal(plan.keys?.kept.length, 2)
      t.equal(logEntries(store).length, before, 'nothing was changed')
      t.equal((await lost.repair(apply)).entries.length, 1)

      const after = await reopened(store)
      t.same(after.lost, [], `${kind} ${n}`)
      t.equal(after.keys.epoch, 2)
      t.equal(after.keys.list().length, 2)
      const next = await backUp(after, stream)
      t.ok((await restore(after, next.snapshot)).equals(stream))
      t.same((await readAll(after)).damages, [], `${kind} ${n}`)
      // The manifest is lost with a SNAPSHOT; all else can be told from what is there.
      const made = after.snapshots().map(({ id }) => id)
      const gone = ids.slice(1).filter((id) => !made.includes(id))
      t.equal(gone.length, kind === 'SNAPSHOT' && n > 2 ? 1 : 0, `${kind} ${n}`)
      t.equal(next.fresh, kind === 'SNAPSHOT' && n === count - 1 ? 5 : 0, `${kind} ${n}`)
      for (const snapshot of after.snapshots()) t.ok((await restore(after, snapshot)).length > 0)
      if (kind === 'SNAPSHOT' && n === count - 1) t.match(plan.leftovers, { packs: 2 })
      t.equal((await after.repair(dry)).entries.length, 0)
    }
  }
  t.same([...kinds].toSorted(), ['ABORT', 'CHECKED', 'FORGET', 'OPEN', 'SNAPSHOT'])
})

test('several lost entries are repaired at once', async (t) => {
  const { store } = await history()
  for (const n of [3, 4, 7]) flip(store, entryName(n), 100)
  const { entries } = await (await reopened(store)).repair(apply)
  t.equal(entries.length, 3)
  const after = await reopened(store)
  t.same(after.lost, [])
  t.equal((await backUp(after, stream)).fresh, 0)
})

test('later snapshots stay when the packs that they use can be told from the store', async (t) => {
  const { store, repository, ids } = await history()
  // Both entries of the first backup: all others use its packs.
  for (const n of [1, 2]) store.objects.delete(entryName(n))
  // What died and left packs behind is not taken for them.
  const died = await begin(repository)
  await feed(repository, died, noise(30 * pageBytes, 'died'), { frameChunks: 10 })
  const lost = await reopened(store)
  t.same(lost.snapshots(), [])
  t.same((await lost.repair(dry)).recovered, ids.slice(1))
  await lost.repair(apply)
  const after = await reopened(store)
  t.same(
    after.snapshots().map(({ id }) => id),
    ids.slice(1),
  )
  t.ok((await restore(after, after.find(ids[2]))).equals(stream))
  t.same((await readAll(after)).damages, [])
  t.equal((await backUp(after, stream)).fresh, 0)
})

test('packs that went or changed are not taken for those of a lost entry', async (t) => {
  for (const harm of ['remove', 'end'] as const) {
    const { store, ids } = await history()
    flip(store, entryName(2), 100)
    const [first] = packs(store, 'D')
    if (harm === 'remove') store.objects.delete(first)
    else flip(store, first, store.objects.get(first)!.length - 1)
    const lost = await reopened(store)
    t.same((await lost.repair(dry)).recovered, [], harm)
    await lost.repair(apply)
    const after = await reopened(store)
    t.notOk(after.snapshots().some(({ id }) => ids.includes(id)))
    t.equal((await backUp(after, stream)).fresh, 100)
  }
})

test('what a checkpoint knows of a lost entry is not lost, for who begins there and for who reads from entry 0', async (t) => {
  for (const n of [1, 2, 5, 6, 7]) {
    const { store, repository, ids } = await history()
    // A change of keys is followed by a checkpoint.
    await repository.keys.add(second)
    await repository.settled()
    await backUp(repository, stream, { name: 'later' })
    const told = repository.snapshots().map(({ id }) => id)
    flip(store, entryName(n), 100)
    const begun = await reopened(store)
    t.same(begun.lost, [], 'the checkpoint hides it')
    t.match((await begun.check({})).damages, [{ object: entryName(n), problem: 'it does not open', snapshots: [] }])
    t.match(await begun.repair(dry), { entries: [{ object: entryName(n), known: true }], keys: undefined })
    await begun.repair(apply)
    t.same((await begun.check({})).damages, [])
    const head = await reopened(store)
    await head.keys.rotate()
    await head.settled()
    t.same((await head.check({})).damages, [], 'the next checkpoint is what the log says from entry 0')
    for (const name of store.objects.keys()) if (name.startsWith('checkpoint/')) store.objects.delete(name)
    const plain = await reopened(store)
    t.same(plain.lost, [], `${n}`)
    t.same(
      plain.snapshots().map(({ id }) => id),
      told,
    )
    t.ok(told.includes(ids[2]))
    t.equal((await backUp(plain, stream)).fresh, 0)
    t.same((await readAll(plain)).damages, [])
    t.equal((await reopened(store, { secret: second })).keys.list().length, 3)
  }
})

test('a lost KEY entry does not bring back silently the slot that it removed', async (t) => {
  const { store, repository } = await history()
  const { id } = await repository.keys.add(second)
  await repository.settled()
  const stolen = memoryStore(store.objects)
  await repository.keys.remove(id)
  await repository.settled()
  const entry = logEntries(store).at(-1)!
  flip(store, entry, 100)
  for (const name of store.objects.keys()) if (name.startsWith('checkpoint/')) store.objects.delete(name)

  // The removal took the slot's objects away: so it is left out.
  const { keys } = await (await reopened(store)).repair(dry)
  t.same(keys?.leftOut, [id])
  // The thief puts them back. Now the report says that the slot would be kept, and it can be left out.
  const name = slotName(Buffer.from(id, 'hex'), 1)
  store.objects.set(name, stolen.objects.get(name)!)
  t.ok((await (await reopened(store)).repair(dry)).keys?.kept.includes(id))
  const without = { apply: true, withoutSlots: [id.slice(0, 6)] }
  await (await reopened(store)).repair(without)
  await t.rejects(reopened(store, { secret: second }), { code: 'KPIPE_KEY_WRONG', message: /removed/ })
  const after = await reopened(store)
  t.equal(after.keys.list().length, 2)
  await backUp(after, stream)
  await t.rejects(after.repair(without), { code: 'KPIPE_USAGE' })
  t.equal(await codeOf(async () => after.repair({ ...dry, withoutSlots: ['ffff'] })), 'KPIPE_USAGE')
})

test('the slot that opened the repository cannot be left out by a repair', async (t) => {
  const { store, repository } = await history()
  const own = repository.keys.list().find(({ opened }) => opened)!
  flip(store, entryName(3), 100)
  await t.rejects((await reopened(store)).repair({ apply: true, withoutSlots: [own.id] }), { code: 'KPIPE_KEY_WRONG' })
})

test('when the entry that began an epoch is lost, a checkpoint repairs it, and without one nobody can take the epoch over', async (t) => {
  const { store, repository } = await history()
  const old = (await openSlots(store, Buffer.from(repository.id, 'hex'), keyFile)).bundles
  await repository.keys.rotate()
  await repository.settled()
  const rotation = logEntries(store).at(-1)!
  const { snapshot } = await backUp(repository, stream)
  flip(store, rotation, 100)
  const n = Number(rotation.slice(4))

  // The thief of a key from before the rotation says that all is well, in the epoch that he knows.
  const thief = keyRing(Buffer.from(repository.id, 'hex'), old)
  const forge = (target: MemoryStore, payload: Payload): void => {
    const head = logEntries(target).at(-1)!
    const header = { n: Number(head.slice(4)) + 1, epoch: 1, previous: entryDigest(target.objects.get(head)!) }
    target.objects.set(entryName(header.n), encodeEntry(thief, header, payload))
  }
  const robbed = memoryStore(store.objects)
  for (const name of robbed.objects.keys()) if (name.startsWith('checkpoint/')) robbed.objects.delete(name)
  const plain = await reopened(robbed)
  await t.rejects(plain.repair(apply), { code: 'KPIPE_DAMAGED', message: /epoch 2 .* nothing proves/ })
  forge(robbed, { kind: 'VOID', time: 0, n, digest: entryDigest(robbed.objects.get(rotation)!) })
  forge(robbed, { kind: 'KEY', time: 0, epoch: 3, slots: [] })
  const reader = await reopened(robbed)
  t.equal(reader.lost.length, 1, 'it is lost all the same')
  t.ok((await restore(reader, reader.find(snapshot.id))).equals(stream))
  t.equal(await codeOf(() => begin(reader)), 'KPIPE_DAMAGED')
})

test('a lost entry that began an epoch is repaired by who remembers, from the checkpoint behind it', async (t) => {
  const folder = t.testdir()
  const { store, phrase } = await madeRepository()
  const repository = await reopened(store, { stateFolder: folder })
  const taken = [(await backUp(repository, stream)).snapshot.id]
  await repository.keys.rotate()
  await repository.settled()
  const rotation = logEntries(store).at(-1)!
  taken.push((await backUp(repository, stream)).snapshot.id)
  flip(store, rotation, 100)
  const begun = await reopened(store, { stateFolder: folder })
  t.same(begun.lost, [], 'what it remembers vouches for the checkpoint')
  t.match(await begun.repair(apply), { entries: [{ object: rotation, known: true }] })
  const next = await reopened(store, { stateFolder: folder })
  taken.push((await backUp(next, stream)).snapshot.id)
  t.equal(next.keys.epoch, 2)
  const stranger = await reopened(store, { secret: { kind: 'recovery-phrase', phrase } })
  t.equal(stranger.lost.length, 1, 'who remembers nothing cannot tell whose epoch it is')
  for (const id of taken) t.ok((await restore(stranger, stranger.find(id))).equals(stream))
})

test('what cannot be vouched for is not repaired away', async (t) => {
  const { store, repository } = await history()
  await repository.keys.add(second)
  await repository.settled()
  const head = logEntries(store).at(2)!
  flip(store, entryName(5), 100)
  // Whoever has seen nothing since entry 2 reads from there on, and meets the lost entry.
  const digest = Buffer.from(entryDigest(store.objects.get(head)!)).toString('hex')
  const early = await reopened(store, { expectHead: `2:${digest}` })
  t.equal(early.lost.length, 1)
  await t.rejects(early.repair(apply), { code: 'KPIPE_DAMAGED', message: /^checkpoint\/.* knows what log\/.*5 said/ })
})

test('a repair heals what other packs hold, and says which snapshots are not whole', async (t) => {
  const { store, repository } = await madeRepository()
  const one = await backUp(repository, stream, { name: 'one' })
  const two = await backUp(repository, noise(50 * pageBytes, 'alone'), { name: 'two' })
  for (const name of packs(store, 'D')) store.objects.delete(name)
  await repository.check({})
  await backUp(repository, stream, { name: 'three' })
  const reader = await reopened(store)
  t.match(await reader.repair(dry), { entries: [], chunksLost: 50, chunksHealed: 0, damaged: [two.snapshot.id] })
  t.ok((await restore(reader, one.snapshot)).equals(stream))
})

test('a repair is refused in a history that is older than one that was seen', async (t) => {
  const { store } = await history()
  const reader = await reopened(store, { expectHead: `99:${'0'.repeat(64)}` })
  t.equal(await codeOf(() => reader.repair(apply)), 'KPIPE_ROLLBACK')
  t.match(await reader.repair(dry), { entries: [] })
})

test('a process that had read what a repair gave up does not go on as if it were there', async (t) => {
  const { store, repository } = await history()
  for (const n of [2, 6]) store.objects.delete(entryName(n))
  await (await reopened(store)).repair(apply)
  await t.rejects(repository.refresh(), { code: 'KPIPE_APPEND_LOST', message: /took log\/0+2 out of the log/ })
  t.equal(await codeOf(() => begin(repository)), 'KPIPE_APPEND_LOST')
})

test('after a lost entry of a collection, a damage or a healing, a repair leaves every snapshot whole or told', async (t) => {
  const kinds = new Set<string>()
  const collected = async (): Promise<{ store: MemoryStore; repository: Repository; made: Map<string, Buffer> }> => {
    const { store } = await madeRepository()
    const made = new Map<string, Buffer>()
    const bytes = noise(120 * pageBytes, 'collected')
    const take = async (name = 'db'): Promise<void> => {
      made.set((await backUp(await reopened(store), bytes, { name, frameChunks: 12 })).snapshot.id, Buffer.from(bytes))
    }
    for (let turn = 0; turn < 5; turn++) {
      for (let change = 0; change < 20; change++)
        noise(pageBytes, `${turn} ${change}`).copy(bytes, ((turn * 7 + change * 5) % 120) * pageBytes)
      await take()
      if (turn === 2) await take('twin')
    }
    const repository = await reopened(store)
    await repository.forget([...made.keys()].slice(0, 2))
    await prunedNow(repository)
    await repository.settled()
    await take()
    flip(store, packs(store, 'D').at(-1)!, 100)
    await readAll(await reopened(store))
    await take()
    await take('twin')
    return { store, repository: await reopened(store), made }
  }
  const count = logEntries((await collected()).store).length
  for (let n = 1; n < count; n++) {
    const { store, repository, made } = await collected()
    const kind = await kindOf(store, repository, n)
    kinds.add(kind)
    flip(store, entryName(n), 100)
    await (await reopened(store)).repair(apply)
    const after = await reopened(store)
    t.same(after.lost, [], `${kind} ${n}`)
    const { snapshot } = await backUp(after, noise(120 * pageBytes, 'next'))
    const report = await readAll(await reopened(store))
    const told = new Set(report.damages.flatMap(({ snapshots }) => snapshots))
    t.notOk(told.has(snapshot.id), `${kind} ${n}`)
    const reader = await reopened(store)
    let whole = 0
    for (const { id } of reader.snapshots()) {
      if (told.has(id) || id === snapshot.id) continue
      if (!(await restore(reader, reader.find(id))).equals(made.get(id)!)) t.fail(`${kind} ${n}: ${id} differs`)
      whole += 1
    }
    // At most the one whose manifest was in the entry, and what a forgotten one needs that is back.
    const living = repository.snapshots().length
    t.ok(whole >= living - 1, `${kind} ${n}: ${whole} of ${living} are whole`)
  }
  t.comment([...kinds].toSorted().join(' '))
  for (const kind of ['COMPACT', 'SWEEP', 'DAMAGED', 'HEAL', 'CHECKED']) t.ok(kinds.has(kind), kind)
})
