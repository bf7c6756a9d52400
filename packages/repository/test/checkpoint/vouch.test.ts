import { randomBytes } from 'node:crypto'
import { memoryStore } from '@kpipe/engine/testing'
import type { MemoryStore } from '@kpipe/engine/testing'
import { test } from 'tap'
import type { Secret } from '../../src/index.ts'
import { checkpointName, encodeCheckpoint } from '../../src/checkpoint/checkpoint.ts'
import { keyRing } from '../../src/keys/key-ring.ts'
import type { Bundle, KeyRing } from '../../src/keys/key-ring.ts'
import { openSlots } from '../../src/keys/open-slots.ts'
import { encodeSlot, readSlot, slotName } from '../../src/keys/slot.ts'
import { encodeEntry, entryDigest, entryName } from '../../src/log/entry.ts'
import type { Payload, SlotRecord } from '../../src/log/payload.ts'
import type { LogState } from '../../src/log/state.ts'
import { codeOf, keyFile, madeRepository, noise, reopened } from '../made-repository.ts'
import { backUp } from '../paged-backup.ts'
import { countingStore, fillTo, nothing, openLog, putCheckpoint } from './long-log.ts'
import { stateFolderFor } from './state-folder.ts'

// A forged checkpoint shows no snapshots. Whoever takes it sees none; whoever reads the log sees one.

const store = await rotatedRepository()
const { log } = await openLog(store)
const thief = keyRing(Buffer.from((await reopened(store)).id, 'hex'), [await bundleOf(store, 1)])

test('who holds the keys in use can write a checkpoint of his own; it lasts until a check', async (t) => {
  const place = memoryStore(store.objects)
  await put(place, (await openLog(place)).ring, log.state, log.state.head.n)
  const repository = await reopened(place)
  t.equal(repository.snapshots().length, 0)
  t.match((await repository.check({})).damages, [{ object: checkpointName(log.state.head.n) }])
})

test('a thief of keys that were replaced brings in no checkpoint, under entries of his own or of others', async (t) => {
  for (const [title, place, n] of await thefts()) {
    const stateFolder = stateFolderFor(t)
    await reopened(store, { stateFolder })
    const head = `${log.state.head.n}:${hex(log.state.head.digest)}`
    const later = stateFolderFor(t)
    const whole = memoryStore(place.objects)
    whole.objects.delete(checkpointName(n))
    await reopened(whole, { stateFolder: later })
    t.ok(place.objects.has(checkpointName(n)))
    t.equal((await reopened(place)).snapshots().length, 1, `${title}, to who remembers nothing`)
    t.equal((await reopened(place, { stateFolder })).snapshots().length, 1, `${title}, to who remembers a head before it`)
    t.equal((await reopened(place, { stateFolder: later })).snapshots().length, 1, `${title}, to who remembers a head after it`)
    t.equal((await reopened(place, { expectHead: head })).snapshots().length, 1, `${title}, to who expects a head before it`)
  }
})

test('a store without keys brings in no checkpoint under keys that it made', async (t) => {
  for (const [title, place] of await fabrications()) {
    const stateFolder = stateFolderFor(t)
    await reopened(store, { stateFolder })
    for (const options of [{}, { stateFolder }]) {
      const seen = await reopened(place, options).then((repository) => repository.snapshots().length, codeIn)
      t.ok(seen === 1 || seen === 'KPIPE_DAMAGED', `${title}: ${seen}`)
    }
  }
})

test('a store without keys brings in no entries under keys that it made, where a rotation has just been', async (t) => {
  const place = memoryStore(store.objects)
  const key = [...log.state.epochs.values()].at(-1)!
  for (let n = key + 1; n <= log.state.head.n; n++) place.objects.delete(entryName(n))
  for (const name of place.objects.keys()) if (name.startsWith('checkpoint/')) place.objects.delete(name)
  const stateFolder = stateFolderFor(t)
  await reopened(place, { stateFolder })
  const { record, bundle, object } = await forgedSlot(2)
  place.objects.set(slotName(record.id, 2), object)
  const own = keyRing(thief.repositoryId, [bundle])
  const slots = log.state.slots.map((slot) => (slot.epoch === 2 && hex(slot.id) === hex(record.id) ? record : slot))
  append(place, own, key + 1, 2, { kind: 'KEY', time: 0, epoch: 2, slots })
  append(place, own, key + 2, 2, {
    kind: 'FORGET',
    time: 0,
    snapshots: [...log.state.snapshots.keys()].map((id) => Buffer.from(id, 'hex')),
  })
  for (const options of [{}, { stateFolder }]) t.equal(await codeOf(() => reopened(place, options)), 'KPIPE_DAMAGED')
})

test('nor a checkpoint there, to who remembers the rotation or what was before it', async (t) => {
  const key = [...log.state.epochs.values()].at(-1)!
  for (const remembered of [key, key - 1]) {
    for (const relisted of [true, false]) {
      const place = memoryStore(store.objects)
      for (const name of place.objects.keys())
        if (name.startsWith('checkpoint/') || name > entryName(remembered)) remove(place, name, 'log/')
      const stateFolder = stateFolderFor(t)
      await reopened(place, { stateFolder })
      place.objects.set(entryName(key), store.objects.get(entryName(key))!)
      const { record, bundle, object } = await forgedSlot(2)
      place.objects.set(slotName(record.id, 2), object)
      const own = keyRing(thief.repositoryId, [bundle])
      const slots = log.state.slots.map((slot) => (slot.epoch === 2 && hex(slot.id) === hex(record.id) ? record : slot))
      append(place, own, key + 1, 2, relisted ? { kind: 'KEY', time: 0, epoch: 2, slots } : nothing)
      await put(place, own, { ...log.state, slots }, key + 1)
      t.equal(await codeOf(() => reopened(place, { stateFolder })), 'KPIPE_DAMAGED', `${remembered}, ${relisted}`)
    }
  }
})

test('a store cannot make who was removed believe that he was not', async (t) => {
  const second: Secret = { kind: 'key-file', key: Buffer.alloc(32, 9), file: 'second.key' }
  const place = memoryStore(store.objects)
  const repository = await reopened(place)
  const { id } = await repository.keys.add(second)
  const stateFolder = stateFolderFor(t)
  await reopened(place, { stateFolder, secret: second })
  const before = memoryStore(place.objects)
  await repository.keys.remove(id)
  await repository.keys.rotate()
  await repository.settled()
  t.equal(await codeOf(() => reopened(place, { stateFolder, secret: second })), 'KPIPE_KEY_WRONG')

  for (const [name, bytes] of before.objects) if (name.startsWith('keys/')) place.objects.set(name, bytes)
  const { log: whole } = await openLog(place)
  const { n } = whole.state.head
  const { record, bundle, object } = await forgedSlot(3, Buffer.from(id, 'hex'), before)
  place.objects.set(slotName(record.id, 3), object)
  const own = keyRing(thief.repositoryId, [bundle])
  append(place, own, n + 1, 3, nothing)
  const { log: earlier } = await openLog(before)
  await put(place, own, { ...whole.state, slots: [...earlier.state.slots, record] }, n + 1)
  for (const options of [{}, { stateFolder }])
    t.equal(await codeOf(() => reopened(place, { ...options, secret: second })), 'KPIPE_KEY_WRONG')
})

test('after a rotation a checkpoint is there that everybody takes', async (t) => {
  const place = memoryStore(store.objects)
  const repository = await reopened(place)
  await repository.keys.rotate()
  await repository.settled()
  const [newest] = [...place.objects.keys()]
    .filter((name) => name.startsWith('checkpoint/'))
    .toSorted()
    .toReversed()
  t.equal(newest, checkpointName(Number.parseInt(repository.head, 10)))
  for (const name of place.objects.keys()) if (name.startsWith('checkpoint/') && name !== newest) place.objects.delete(name)
  const stateFolder = stateFolderFor(t)
  await reopened(store, { stateFolder })
  for (const options of [{}, { stateFolder }, { stateFolder }, { expectHead: repository.head }]) {
    const counted = countingStore(place)
    const opened = await reopened(counted, options)
    t.equal(opened.snapshots().length, 1)
    t.equal(opened.keys.epoch, 3)
    t.notOk(counted.reads.includes(entryName(5)), 'the checkpoint was taken')
  }
})

test('slot objects of a rotation that died keep those from it who remember nothing, and nobody else', async (t) => {
  const place = memoryStore(store.objects)
  const stateFolder = stateFolderFor(t)
  await reopened(place, { stateFolder })
  const { record, object } = await forgedSlot(3)
  place.objects.set(slotName(record.id, 3), object)
  for (const [options, reads] of [
    [{}, true],
    [{ stateFolder }, false],
  ] as const) {
    const counted = countingStore(place)
    t.equal((await reopened(counted, options)).snapshots().length, 1)
    t.equal(counted.reads.includes(entryName(5)), reads)
  }
})

/** What the thief of the keys of epoch 1 may write once epoch 2 has begun: the store, and the number of his checkpoint. */
async function thefts(): Promise<(readonly [string, MemoryStore, number])[]> {
  const { n } = log.state.head
  const under1: LogState = { ...log.state, epoch: 1, epochs: new Map([[1, 0]]), slots: log.state.slots.filter(({ epoch }) => epoch === 1) }

  const voidEntry = memoryStore(store.objects)
  append(voidEntry, thief, n + 1, 1, nothing)
  await put(voidEntry, thief, under1, n + 1)

  // The true KEY entry comes after it.
  const before = memoryStore(store.objects)
  const key = [...log.state.epochs.values()].at(-1)!
  await put(before, thief, under1, key - 1)
  append(before, thief, n + 1, 1, nothing)

  // A KEY entry of his own, under the old keys, begins an epoch whose keys he made.
  const { record, bundle, object } = await forgedSlot(3)
  const ownKey = memoryStore(store.objects)
  ownKey.objects.set(slotName(record.id, 3), object)
  const slots = [...log.state.slots, record]
  append(ownKey, thief, n + 1, 1, { kind: 'KEY', time: 0, epoch: 3, slots })
  const own = keyRing(thief.repositoryId, [bundle])
  const { epochs } = log.state
  await put(ownKey, own, { ...log.state, epoch: 3, slots, epochs: new Map([...epochs, [3, n + 1]]) }, n + 1)

  // The same, and the true epoch 2 is kept quiet.
  const skipped = memoryStore(ownKey.objects)
  skipped.objects.delete(checkpointName(n + 1))
  await put(
    skipped,
    own,
    { ...log.state, epoch: 3, slots, epochs: new Map([...epochs].filter(([epoch]) => epoch === 1).concat([[3, n + 1]])) },
    n + 1,
  )
  return [
    ['under an entry without effect', voidEntry, n + 1],
    ['under an entry from before the rotation', before, key - 1],
    ['with a KEY of his own', ownKey, n + 1],
    ['with a KEY of his own after the first epoch', skipped, n + 1],
  ]
}

/** What a store without keys may make: slots that the secret opens, with keys of its own, and all that these seal. */
async function fabrications(): Promise<(readonly [string, MemoryStore])[]> {
  const { n } = log.state.head
  const { epochs } = log.state

  const third = await forgedSlot(3)
  const own = keyRing(thief.repositoryId, [third.bundle])
  const slots = [...log.state.slots, third.record]
  const state: LogState = { ...log.state, epoch: 3, slots, epochs: new Map([...epochs, [3, n]]) }
  const atHead = memoryStore(store.objects)
  atHead.objects.set(slotName(third.record.id, 3), third.object)
  atHead.objects.delete(checkpointName(n))
  await put(atHead, own, state, n)

  const above = memoryStore(store.objects)
  above.objects.set(slotName(third.record.id, 3), third.object)
  append(above, own, n + 1, 3, nothing)
  await put(above, own, { ...state, epochs: new Map([...epochs, [3, n + 1]]) }, n + 1)

  const second = await forgedSlot(2)
  const swapped = memoryStore(store.objects)
  swapped.objects.set(slotName(second.record.id, 2), second.object)
  const instead = keyRing(thief.repositoryId, [second.bundle])
  append(swapped, instead, n + 1, 2, nothing)
  const listed = log.state.slots.map((slot) => (slot.epoch === 2 && hex(slot.id) === hex(second.record.id) ? second.record : slot))
  await put(swapped, instead, { ...log.state, slots: listed }, n + 1)
  return [
    ['a new epoch at the head', atHead],
    ['a new epoch above the head', above],
    ['other keys for the epoch in use', swapped],
  ]
}

/** One snapshot under epoch 1, some entries, a rotation, and a checkpoint at the head. */
async function rotatedRepository(): Promise<MemoryStore> {
  const { store: made, repository } = await madeRepository()
  await backUp(repository, noise(1000, 'a'))
  await fillTo(made, 20)
  const rotating = await reopened(made)
  await rotating.keys.rotate()
  await rotating.settled()
  const opened = await fillTo(made, 30)
  await putCheckpoint(made, opened.ring, opened.log.state)
  return made
}

async function bundleOf(from: MemoryStore, epoch: number): Promise<Bundle> {
  const id = Buffer.from((await reopened(from)).id, 'hex')
  return (await (await openSlots(from, id, keyFile)).learn(epoch))!
}

/** A slot object of the secret's slot, made without the secret, with keys that the store made. */
async function forgedSlot(
  epoch: number,
  id = log.state.slots[0].id,
  from = store,
): Promise<{ record: SlotRecord; bundle: Bundle; object: Buffer }> {
  const read = await readSlot(from, thief.repositoryId, slotName(id, 1))
  const bundle = { epoch, m: randomBytes(32), d: randomBytes(32), tagKey: randomBytes(64) }
  const object = encodeSlot(thief.repositoryId, read!.slot!, bundle)
  const record = { id, kind: 'key-file', public_key: read!.slot!.publicKey, epoch, digest: entryDigest(object) } as const
  return { record, bundle, object }
}

function append(place: MemoryStore, ring: KeyRing, n: number, epoch: number, payload: Payload): void {
  const previous = entryDigest(place.objects.get(entryName(n - 1))!)
  place.objects.set(entryName(n), encodeEntry(ring, { n, epoch, previous }, payload))
}

/** A forged checkpoint at entry n, which is there. */
async function put(place: MemoryStore, ring: KeyRing, state: LogState, n: number): Promise<void> {
  const head = { n, digest: entryDigest(place.objects.get(entryName(n))!) }
  const genesis = entryDigest(place.objects.get(entryName(0))!)
  place.objects.delete(checkpointName(n))
  await place.create(checkpointName(n), [await encodeCheckpoint(ring, genesis, { ...forged(state), head })])
}

function forged(state: LogState): LogState {
  return { ...state, snapshots: new Map() }
}

/** Removes objects whose name begins so, and checkpoints. */
function remove({ objects }: MemoryStore, name: string, prefix: string): void {
  if (name.startsWith(prefix) || name.startsWith('checkpoint/')) objects.delete(name)
}

function codeIn(error: unknown): string {
  return (error as { code?: string }).code ?? String(error)
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
