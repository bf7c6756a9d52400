import { KpipeError } from '@kpipe/engine/contracts'
import { faultyStore, memoryStore } from '@kpipe/engine/testing'
import type { MemoryStore } from '@kpipe/engine/testing'
import { test } from 'tap'
import type { Repository, Secret } from '../src/index.ts'
import { keyRing } from '../src/keys/key-ring.ts'
import type { Bundle } from '../src/keys/key-ring.ts'
import { openSlots } from '../src/keys/open-slots.ts'
import { encodeSlot, readSlot, slotName } from '../src/keys/slot.ts'
import { encodeEntry, entryDigest, entryName, openEntry } from '../src/log/entry.ts'
import type { Payload } from '../src/log/payload.ts'
import { codeOf, keyFile, madeRepository, noise, reopened } from './made-repository.ts'
import { backUp, begin, commit, feed, pageBytes, restore } from './paged-backup.ts'

const second: Secret = { kind: 'key-file', key: Buffer.alloc(32, 9), file: 'second.key' }
const stream = noise(300 * pageBytes, 'keys')
const changed = Buffer.from(stream)
noise(5 * pageBytes, 'change').copy(changed, 20 * pageBytes)

test('a key that was added opens the repository with all epochs, and is listed', async (t) => {
  const { store, repository } = await madeRepository()
  const old = await backUp(repository, stream)
  await repository.keys.rotate()
  const recent = await backUp(repository, changed)
  const added = await repository.keys.add(second)
  t.match(added, { id: /^[0-9a-f]{16}$/, kind: 'key-file', epoch: 2, opened: false })
  const other = await reopened(store, { secret: second })
  t.same(
    other.keys.list().map(({ kind, epoch, opened }) => ({ kind, epoch, opened })),
    [
      { kind: 'key-file', epoch: 2, opened: false },
      { kind: 'recovery-phrase', epoch: 2, opened: false },
      { kind: 'key-file', epoch: 2, opened: true },
    ],
  )
  t.ok((await restore(other, other.find(old.snapshot.id))).equals(stream))
  t.ok((await restore(other, other.find(recent.snapshot.id))).equals(changed))
  await t.rejects(other.keys.add(second), { code: 'KPIPE_USAGE', message: /opens the repository already/ })
  const [before, now] = [Date.now() - 60_000, Date.now()]
  for (const { created } of other.keys.list()) t.ok(created.getTime() > before && created.getTime() <= now)
})

test('a removed key opens nothing any more, and the last one cannot be removed', async (t) => {
  const { store, repository, phrase } = await madeRepository()
  const [first, phraseSlot] = repository.keys.list()
  const copies = memoryStore(store.objects)
  await repository.keys.remove(phraseSlot.id.slice(0, 6))
  await t.rejects(repository.keys.remove(first.id), { code: 'KPIPE_USAGE', message: /last key slot/ })
  await t.rejects(repository.keys.remove(phraseSlot.id), { code: 'KPIPE_USAGE', message: /no key slot/ })
  const secret: Secret = { kind: 'recovery-phrase', phrase }
  await t.rejects(reopened(store, { secret }), { code: 'KPIPE_KEY_WRONG', message: /no key slot of that kind/ })
  // Who put the slot object back is told of it.
  const name = slotName(Buffer.from(phraseSlot.id, 'hex'), 1)
  store.objects.set(name, copies.objects.get(name)!)
  await t.rejects(reopened(store, { secret }), { code: 'KPIPE_KEY_WRONG', message: /removed/ })
  t.same(await repository.keys.unused(), [name])
  t.equal((await reopened(store)).keys.list().length, 1)
})

test('after a rotation the next backup finds all it knows, and all snapshots are read', async (t) => {
  const { store, repository, phrase } = await madeRepository()
  const old = await backUp(repository, stream)
  await repository.keys.rotate()
  const next = await backUp(repository, changed)
  t.equal(next.fresh, 5)
  for (const secret of [keyFile, { kind: 'recovery-phrase', phrase } as const]) {
    const reader = await reopened(store, { secret })
    t.equal(reader.keys.epoch, 2)
    t.ok((await restore(reader, reader.find(old.snapshot.id))).equals(stream))
    t.ok((await restore(reader, reader.find(next.snapshot.id))).equals(changed))
  }
})

test('many rotations and changes of keys between backups leave everything readable', async (t) => {
  const { store, repository } = await madeRepository()
  const taken: string[] = []
  for (let round = 0; round < 6; round++) {
    taken.push((await backUp(await reopened(store), noise(40 * pageBytes, `round${round}`))).snapshot.id)
    await repository.keys.rotate()
    const { id } = await repository.keys.add({ ...second, key: Buffer.alloc(32, 20 + round) } as Secret)
    if (round % 2 === 0) await repository.keys.remove(id)
  }
  const last = await reopened(store, { secret: { ...second, key: Buffer.alloc(32, 25) } as Secret })
  t.equal(last.keys.epoch, 7)
  for (const [round, id] of taken.entries())
    if (!(await restore(last, last.find(id))).equals(noise(40 * pageBytes, `round${round}`))) t.fail(`round ${round}`)
})

test('who holds a removed key and an old copy of its slot reads nothing that is written after a rotation', async (t) => {
  const { store, repository } = await madeRepository()
  const { id } = await repository.keys.add(second)
  await backUp(repository, stream)
  const stolen = memoryStore(store.objects)
  await repository.keys.remove(id)
  await repository.keys.rotate()
  await backUp(repository, changed)
  const written = [...store.objects.keys()].filter((name) => !stolen.objects.has(name))
  // The thief puts the slot's object back where it was.
  for (const [name, bytes] of stolen.objects) if (name.startsWith(`keys/${id}`)) store.objects.set(name, bytes)
  await t.rejects(reopened(store, { secret: second }), { code: 'KPIPE_KEY_WRONG', message: /removed/ })

  const repositoryId = Buffer.from(repository.id, 'hex')
  const { bundles } = await openSlots(store, repositoryId, second)
  t.same(
    bundles.map(({ epoch }) => epoch),
    [1],
  )
  const thief = keyRing(repositoryId, bundles)
  const pretending = keyRing(repositoryId, [{ ...bundles[0], epoch: 2 }])
  const entries = written.filter((name) => name.startsWith('log/'))
  const readable = entries.filter((name) =>
    [thief, pretending].some((ring) => 'payload' in openEntry(ring, numberOf(name), store.objects.get(name)!)),
  )
  // Only the KEY entries themselves, which are sealed under the epoch that they end.
  t.same(
    readable.map((name) => (openEntry(thief, numberOf(name), store.objects.get(name)!) as { payload: Payload }).payload.kind),
    ['KEY', 'KEY'],
  )
  t.ok(entries.length >= 4, `${entries.length} entries`)
  const packs = written.filter((name) => name.startsWith('packs/'))
  t.equal(packs.length, 2)
  for (const name of packs) t.equal(Buffer.from(store.objects.get(name)!).readUInt32LE(store.objects.get(name)!.length - 12), 2)
  // And the slots of others hold the new roots for their own keys alone.
  for (const name of written.filter((written) => written.startsWith('keys/'))) {
    const read = await readSlot(store, repositoryId, name)
    t.not(Buffer.from(read!.slot!.id).toString('hex'), id)
  }
})

test('an entry that a thief seals under an ended epoch has no effect, and one of an epoch that never began is refused', async (t) => {
  const { store, repository } = await madeRepository()
  const old = bundleOf(await openSlots(store, Buffer.from(repository.id, 'hex'), keyFile), 1)
  await backUp(repository, stream)
  await repository.keys.rotate()
  const { snapshot } = await backUp(repository, changed)
  const forged: Payload = { kind: 'FORGET', time: 0, snapshots: [Buffer.from(snapshot.id, 'hex')] }
  const takeover: Payload = { kind: 'KEY', time: 0, epoch: 3, slots: [] }
  for (const payload of [forged, takeover]) forge(store, repository, [old], 1, payload)
  const reader = await reopened(store)
  t.equal(reader.find('latest').id, snapshot.id)
  t.equal(reader.keys.epoch, 2)
  t.equal((await backUp(reader, changed)).fresh, 0)

  // Public keys are public: anybody can seal roots of his own to a slot.
  const own: Bundle = { ...old, epoch: 3, m: Buffer.alloc(32, 1) }
  const [{ id }] = reader.keys.list()
  const { slot } = (await readSlot(store, Buffer.from(repository.id, 'hex'), slotName(Buffer.from(id, 'hex'), 2)))!
  store.objects.set(slotName(Buffer.from(id, 'hex'), 3), encodeSlot(Buffer.from(repository.id, 'hex'), slot!, own))
  t.equal((await reopened(store)).keys.epoch, 2, 'an unused slot does no harm')
  forge(store, await reopened(store), [own], 3, forged)
  await t.rejects(reopened(store), { code: 'KPIPE_DAMAGED', message: /does not vouch for the key slot/ })
})

test('a writer that is caught between by a rotation fails cleanly, and its next backup works', async (t) => {
  const { store, repository } = await madeRepository()
  await backUp(repository, stream)
  const other = await reopened(store)
  const writer = await begin(other)
  await feed(other, writer, changed)
  await repository.keys.rotate()
  await t.rejects(commit(writer, changed), { code: 'KPIPE_APPEND_LOST', message: /keys were rotated/ })
  await writer.abort('lost')
  const again = await backUp(other, changed)
  t.equal(again.fresh, 5)
  const reader = await reopened(store)
  t.equal(reader.snapshots().length, 2)
  t.ok((await restore(reader, reader.find('latest'))).equals(changed))
})

test('a writer that began after the rotation which it had not seen writes under the new keys', async (t) => {
  const { store, repository } = await madeRepository()
  const other = await reopened(store)
  await repository.keys.rotate()
  await backUp(other, stream)
  t.equal(other.keys.epoch, 2)
  t.ok((await restore(await reopened(store), (await reopened(store)).find('latest'))).equals(stream))
})

test('a process whose key is removed while it runs is told so', async (t) => {
  const { store, repository } = await madeRepository()
  await repository.keys.add(second)
  const other = await reopened(store, { secret: second })
  const slot = other.keys.list().find(({ opened }) => opened)!
  await repository.keys.remove(slot.id)
  await repository.keys.rotate()
  await t.rejects(other.refresh(), { code: 'KPIPE_KEY_WRONG', message: /removed/ })
})

test('of two processes that change the keys at once one has to do it again', async (t) => {
  const { store, repository } = await madeRepository()
  const held = await reopened(store)
  let meddled = 0
  const slow = faultyStore(store, ({ operation, name }) => {
    if (operation !== 'create' || !name.startsWith('log/') || meddled > 0) return undefined
    meddled += 1
    return { kind: 'exists' }
  })
  const other = await reopened(slow)
  await held.keys.add(second)
  await other.refresh()
  // Between the look and the append of `other`, `held` rotates: the number it wants is taken.
  const add = other.keys.add({ ...second, key: Buffer.alloc(32, 10) } as Secret)
  await Promise.all([repository.keys.rotate(), t.resolves(add.catch((error: KpipeError) => t.equal(error.code, 'KPIPE_APPEND_LOST')))])
  t.equal(meddled, 1)
  const after = await reopened(store)
  t.ok([3, 4].includes(after.keys.list().length))
  t.ok((await backUp(after, stream)).snapshot.id)
})

test('a crash before any store call of add, remove and rotate leaves a repository that opens, and the change can be made again', async (t) => {
  const changes: ((repository: Repository) => Promise<unknown>)[] = [
    (repository) => repository.keys.add(second),
    async (repository) => {
      const phrase = repository.keys.list().find(({ kind }) => kind === 'recovery-phrase')
      return phrase === undefined ? undefined : repository.keys.remove(phrase.id)
    },
    (repository) => repository.keys.rotate(),
  ]
  for (const [number, change] of changes.entries()) {
    const counting = faultyStore((await madeRepository()).store, () => undefined)
    const opened = await reopened(counting)
    const opening = counting.calls.length
    await change(opened)
    const calls = counting.calls.length - opening
    t.ok(calls >= 3, `${calls} calls`)
    let unused = 0
    for (let crash = 1; crash <= calls; crash++) {
      const { store } = await madeRepository()
      await backUp(await reopened(store), stream)
      let from = Infinity
      const faulty = faultyStore(store, (call) => (call.number >= from ? { kind: 'fail', error: died } : undefined))
      const repository = await reopened(faulty)
      from = faulty.calls.length + crash
      const code = await codeOf(() => change(repository))
      // Whoever is off the list is removed, whatever becomes of the objects.
      const listed = store.objects.has(entryName(3))
      if (code !== (number === 1 && listed ? 'none' : 'KPIPE_STORE_FORBIDDEN') || faulty.fired.length === 0)
        t.fail(`change ${number}, crash ${crash}: ${code}`)
      const after = await reopened(store)
      unused += (await after.keys.unused()).length
      if (!(await restore(after, after.find('latest'))).equals(stream)) t.fail(`change ${number}, crash ${crash}: it differs`)
      await after.keys.rotate()
      const again = await codeOf(() => change(after))
      if (!['none', 'KPIPE_USAGE'].includes(again)) t.fail(`change ${number}, crash ${crash}: again ${again}`)
      if ((await backUp(await reopened(store), changed)).fresh !== 5) t.fail(`change ${number}, crash ${crash}: nothing was known`)
    }
    t.ok(unused > 0, `change ${number} left ${unused} unused slots`)
  }
})

test('a damaged slot is told apart from a wrong key, and one of another key stops a rotation by its name', async (t) => {
  const { store, repository } = await madeRepository()
  await repository.keys.rotate()
  const [own, phrase] = repository.keys.list()
  for (const epoch of [1, 2]) {
    const damaged = memoryStore(store.objects)
    const name = slotName(Buffer.from(own.id, 'hex'), epoch)
    damaged.objects.set(
      name,
      damaged.objects.get(name)!.map((byte, at) => (at === 60 ? byte ^ 1 : byte)),
    )
    await t.rejects(reopened(damaged), { code: 'KPIPE_DAMAGED', message: name })
    damaged.objects.delete(name)
    await t.rejects(reopened(damaged), { code: 'KPIPE_DAMAGED' })
  }
  const wrong = { ...keyFile, key: Buffer.alloc(32, 8) } as Secret
  await t.rejects(reopened(store, { secret: wrong }), { code: 'KPIPE_KEY_WRONG' })
  store.objects.delete(slotName(Buffer.from(phrase.id, 'hex'), 1))
  await repository.keys.rotate()
  t.equal(repository.keys.epoch, 3, 'another epoch of the slot is enough')
  for (const epoch of [2, 3]) store.objects.delete(slotName(Buffer.from(phrase.id, 'hex'), epoch))
  await t.rejects(repository.keys.rotate(), { code: 'KPIPE_DAMAGED', message: phrase.id })
  await repository.keys.remove(phrase.id)
  await repository.keys.rotate()
  t.equal((await reopened(store)).keys.epoch, 4)
})

test('a damaged KEY entry stops writing, and snapshots from after it are still read by their ids', async (t) => {
  const { store, repository } = await madeRepository()
  await repository.keys.rotate()
  const { snapshot } = await backUp(repository, stream)
  store.objects.set(
    entryName(1),
    store.objects.get(entryName(1))!.map((byte, at) => (at === 100 ? byte ^ 1 : byte)),
  )
  const reader = await reopened(store)
  t.match(reader.lost, [/00001 .* is lost/])
  t.ok((await restore(reader, reader.find(snapshot.id))).equals(stream))
  t.equal(await codeOf(() => begin(reader)), 'KPIPE_DAMAGED')
  t.equal(await codeOf(() => reader.keys.rotate()), 'KPIPE_DAMAGED')
})

test('keys are not changed in a history that is older than one that was seen', async (t) => {
  const { store } = await madeRepository()
  const reader = await reopened(store, { expectHead: `7:${'0'.repeat(64)}` })
  for (const change of [() => reader.keys.add(second), () => reader.keys.rotate(), () => reader.keys.remove(reader.keys.list()[0].id)])
    t.equal(await codeOf(change), 'KPIPE_ROLLBACK')
})

function numberOf(name: string): number {
  return Number(name.slice('log/'.length))
}

function bundleOf({ bundles }: { readonly bundles: readonly Bundle[] }, epoch: number): Bundle {
  return bundles.find((bundle) => bundle.epoch === epoch)!
}

/** Puts an entry at the head, sealed under roots of one's own. */
function forge(store: MemoryStore, repository: Repository, bundles: readonly Bundle[], epoch: number, payload: Payload): void {
  const names = [...store.objects.keys()].filter((name) => name.startsWith('log/')).toSorted()
  const head = names.at(-1)!
  const header = { n: numberOf(head) + 1, epoch, previous: entryDigest(store.objects.get(head)!) }
  store.objects.set(entryName(header.n), encodeEntry(keyRing(Buffer.from(repository.id, 'hex'), bundles), header, payload))
}

function died(): KpipeError {
  return new KpipeError('KPIPE_STORE_FORBIDDEN', 'gone')
}

test('a process whose new slot cannot be read at once goes on when it can', async (t) => {
  const { store } = await madeRepository()
  let armed = true
  const died = (): Error => new KpipeError('KPIPE_STORE_FAILED', 'EIO')
  const faulty = faultyStore(store, ({ operation, name }) => {
    const hit = armed && operation === 'read' && name.startsWith('keys/') && name.endsWith('/0000000002')
    if (hit && store.objects.has(entryName(1))) {
      armed = false
      return { kind: 'fail', error: died }
    }
    return undefined
  })
  const repository = await reopened(faulty)
  await t.rejects(repository.keys.rotate(), { code: 'KPIPE_STORE_FAILED' })
  t.equal(faulty.fired.length, 1)
  t.equal((await backUp(repository, stream)).snapshot.bytes, stream.length)
  t.equal((await reopened(store)).keys.epoch, 2)
})
