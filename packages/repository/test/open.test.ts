import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Store } from '@kpipe/engine/contracts'
import { memoryStore } from '@kpipe/engine/testing'
import { test } from 'tap'
import { keyRing } from '../src/keys/key-ring.ts'
import { openSlots } from '../src/keys/open-slots.ts'
import { encodeSlot, newSlotKey, slotName } from '../src/keys/slot.ts'
import { entryName } from '../src/log/entry.ts'
import { Log, readGenesis } from '../src/log/log.ts'
import type { Payload } from '../src/log/payload.ts'
import { encodeMarker, decodeMarker } from '../src/marker.ts'
import { openRepository } from '../src/index.ts'
import { codeOf, keyFile, madeRepository, noise, reopened } from './made-repository.ts'
import { backUp, begin, pageBytes, restore } from './paged-backup.ts'
import { scratchFolder } from './scratch-folder.ts'

test('key file and recovery phrase both open the repository', async (t) => {
  const { store, repository, phrase } = await madeRepository()
  const bytes = noise(100 * pageBytes, 'phrase')
  await backUp(repository, bytes)
  const other = await reopened(store, { secret: { kind: 'recovery-phrase', phrase: phrase.toLowerCase().replaceAll('-', ' ') } })
  t.equal(other.id, repository.id)
  t.ok((await restore(other, other.find('latest'))).equals(bytes))
})

test('another key, another phrase and a malformed one are told apart', async (t) => {
  const { store, phrase } = await madeRepository()
  const { phrase: foreign } = await madeRepository()
  t.equal(await codeOf(() => reopened(store, { secret: { ...keyFile, key: Buffer.alloc(32, 8) } as typeof keyFile })), 'KPIPE_KEY_WRONG')
  t.equal(await codeOf(() => reopened(store, { secret: { kind: 'recovery-phrase', phrase: foreign } })), 'KPIPE_KEY_WRONG')
  const typo = phrase.startsWith('A') ? `B${phrase.slice(1)}` : `A${phrase.slice(1)}`
  t.equal(await codeOf(() => reopened(store, { secret: { kind: 'recovery-phrase', phrase: typo } })), 'KPIPE_KEY_MALFORMED')
})

test('an empty store has no repository', async (t) => {
  t.equal(await codeOf(() => reopened(memoryStore())), 'KPIPE_NO_REPOSITORY')
})

test('an unknown required feature or another draft is refused with the version that is needed', async (t) => {
  const { store } = await madeRepository()
  const { repositoryId } = decodeMarker(store.objects.get('repository')!, 'memory')
  store.objects.set('repository', encodeMarker({ repositoryId, requires: { read: ['parity'], write: [], collect: [] } }))
  await t.rejects(reopened(store), { code: 'KPIPE_FORMAT_UNSUPPORTED', message: /knows parity/ })
  const older = encodeMarker({ repositoryId, requires: { read: [], write: [], collect: [] } })
  older.writeUInt16LE(9, 10)
  store.objects.set('repository', withDigest(older))
  await t.rejects(reopened(store), { code: 'KPIPE_FORMAT_UNSUPPORTED', message: /format 1 draft 9/ })
})

test('every byte of marker, slots and first log entry that is flipped is named as damage', async (t) => {
  const { store } = await madeRepository()
  const slots = [...store.objects.keys()].filter((name) => name.startsWith('keys/'))
  for (const name of ['repository', entryName(0), ...slots]) {
    const bytes = store.objects.get(name)!
    for (let at = 0; at < bytes.length; at += 1) {
      const damaged = memoryStore(store.objects)
      damaged.objects.set(name, flipped(bytes, at))
      // The key file's slot is one of the two; the other one may be damaged without harm.
      const code = await codeOf(() => reopened(damaged))
      if (name.startsWith('keys/') && code === 'none') continue
      if (code !== 'KPIPE_DAMAGED') t.fail(`${name} byte ${at}: ${code}`)
    }
  }
  const neither = memoryStore(store.objects)
  for (const name of slots) neither.objects.set(name, flipped(store.objects.get(name)!, 50))
  await t.rejects(reopened(neither), { code: 'KPIPE_DAMAGED', message: slots[0] })
})

test('a marker or slot of another repository is refused', async (t) => {
  const [one, other] = [await madeRepository(), await madeRepository()]
  const swapped = memoryStore(one.store.objects)
  swapped.objects.set('repository', other.store.objects.get('repository')!)
  t.equal(await codeOf(() => reopened(swapped)), 'KPIPE_DAMAGED')
  const mixed = memoryStore(one.store.objects)
  mixed.objects.set(entryName(0), other.store.objects.get(entryName(0))!)
  t.equal(await codeOf(() => reopened(mixed)), 'KPIPE_DAMAGED')
})

test('a damaged or missing log entry stops writing and every reference but an id', async (t) => {
  const { store, repository } = await madeRepository()
  const bytes = noise(100 * pageBytes, 'log')
  const { snapshot } = await backUp(repository, bytes)
  await backUp(repository, bytes)
  const lost = entryName(3)
  const whole = store.objects.get(lost)!
  const damages = [undefined, ...Array.from(whole, (_, at) => flipped(whole, at)), whole.slice(0, 40), whole.slice(0, -1)]
  for (const damage of damages) {
    const damaged = memoryStore(store.objects)
    if (damage === undefined) damaged.objects.delete(lost)
    else damaged.objects.set(lost, damage)
    const warnings: string[] = []
    const reader = await reopened(damaged, { warn: (message) => warnings.push(message) })
    if (!warnings.join().includes(lost)) t.fail(`no warning: ${warnings.join()}`)
    if ((await codeOf(() => reader.find('latest'))) !== 'KPIPE_DAMAGED') t.fail('latest was found')
    if ((await codeOf(() => begin(reader))) !== 'KPIPE_DAMAGED') t.fail('a backup began')
    if (reader.find(snapshot.id).id !== snapshot.id) t.fail('the id was not found')
  }
  t.ok(damages.length > 200)
})

test('an entry of another history at the same place is refused', async (t) => {
  const { store, repository } = await madeRepository()
  const before = memoryStore(store.objects)
  await backUp(repository, noise(10, 'a'))
  const fork = await reopened(before)
  await backUp(fork, noise(10, 'b'))
  store.objects.set(entryName(1), before.objects.get(entryName(1))!)
  await t.rejects(reopened(store), { code: 'KPIPE_DAMAGED', message: /another history/ })
})

test('a store that shows an older state than this host has seen is noticed, and not written to', async (t) => {
  const stateFolder = join(scratchFolder(), 'kpipe')
  const { store } = await madeRepository()
  const old = memoryStore(store.objects)
  const repository = await reopened(store, { stateFolder })
  const { head } = await backUp(repository, noise(10, 'a'))
  const memory = readFileSync(join(stateFolder, repository.id), 'utf8')
  t.match(memory, new RegExp(`^${head}\nkeys 1:[0-9a-f]{32}\n$`))
  t.same(readdirSync(stateFolder), [repository.id], 'no draft stays')

  const stale = await reopened(old, { stateFolder })
  t.equal(stale.rollback?.remembered, head)
  t.equal(stale.rollback?.seen, stale.head)
  t.equal(await codeOf(() => begin(stale)), 'KPIPE_ROLLBACK')
  t.equal(readFileSync(join(stateFolder, repository.id), 'utf8'), memory, 'the memory stays')
  t.equal((await reopened(store, { stateFolder })).rollback, undefined)

  const overridden = await reopened(old, { stateFolder, expectHead: stale.head })
  t.equal(overridden.rollback, undefined)
  await backUp(overridden, noise(10, 'b'))
  t.ok((await reopened(store, { stateFolder })).rollback, 'the other history is now the strange one')
})

test('a head that the caller expects must be in the log', async (t) => {
  const { store, repository } = await madeRepository()
  const { head } = repository
  await backUp(repository, noise(10, 'a'))
  t.equal((await reopened(store, { expectHead: head })).rollback, undefined)
  t.ok((await reopened(store, { expectHead: `0:${'0'.repeat(64)}` })).rollback)
  t.ok((await reopened(store, { expectHead: `9:${'0'.repeat(64)}` })).rollback)
  t.equal(await codeOf(() => reopened(store, { expectHead: 'latest' })), 'KPIPE_USAGE')
})

test('a state folder that cannot be used only warns', async (t) => {
  const { store } = await madeRepository()
  const file = join(scratchFolder(), 'file')
  writeFileSync(file, 'not a folder')
  const warnings: string[] = []
  const repository = await openRepository({ store, secret: keyFile, stateFolder: file, warn: (message) => warnings.push(message) })
  t.equal(warnings.length, 2)
  t.equal((await backUp(repository, noise(10, 'a'))).snapshot.bytes, 10)
})

test('an entry of a kind that is not known refuses writing, and only that', async (t) => {
  for (const kind of ['TELEPORT', 'BRIDGE']) {
    const { store, repository } = await madeRepository()
    const bytes = noise(100 * pageBytes, 'kind')
    await backUp(repository, bytes)
    await append(store, { kind, time: 0 } as unknown as Payload)
    const reader = await reopened(store)
    await t.rejects(begin(reader), { code: 'KPIPE_FORMAT_UNSUPPORTED', message: new RegExp(kind) })
    t.ok((await restore(reader, reader.find('latest'))).equals(bytes))
  }
})

test('a feature that an entry requires refuses what it is required for', async (t) => {
  const { store } = await madeRepository()
  await append(store, { kind: 'CHECKED', time: 0, packs: new Uint8Array(0), requires: { write: ['parity'] } })
  await t.rejects(begin(await reopened(store)), { code: 'KPIPE_FORMAT_UNSUPPORTED', message: /writing.*parity/ })
  const other = await madeRepository()
  await append(other.store, { kind: 'CHECKED', time: 0, packs: new Uint8Array(0), requires: { read: ['parity'] } })
  await t.rejects(reopened(other.store), { code: 'KPIPE_FORMAT_UNSUPPORTED', message: /reading.*parity/ })
})

test('a slot that the log does not list opens nothing', async (t) => {
  const { store, repository } = await madeRepository()
  const id = Buffer.from(repository.id, 'hex')
  const { bundles } = await openSlots(store, id, keyFile)
  const own = { ...keyFile, key: Buffer.alloc(32, 9) } as typeof keyFile
  const forged = newSlotKey(id, 'key-file', Buffer.alloc(32, 9))
  store.objects.set(slotName(forged.id, 1), encodeSlot(id, forged, bundles[0]))
  await t.rejects(reopened(store, { secret: own }), { code: 'KPIPE_KEY_WRONG', message: /key slot was removed/ })
  t.equal((await reopened(store)).id, repository.id)
})

test('a pipeline with another tag algorithm is refused', async (t) => {
  const { repository } = await madeRepository()
  const options = { name: 'a', member: '', chunking: 'page/64', pageBytes: 64, codecs: [], tagAlgorithm: 'blake3' }
  await t.rejects(repository.begin(options), { code: 'KPIPE_PIPELINE_INVALID', message: /sha256.*blake3/ })
})

/** An entry that this version would not append itself. */
async function append(store: Store, payload: Payload): Promise<void> {
  const { repositoryId } = decodeMarker((await store.read('repository'))!, 'memory')
  const ring = keyRing(repositoryId, (await openSlots(store, repositoryId, keyFile)).bundles)
  const log = new Log(store, ring, await readGenesis(store, ring))
  await log.refresh()
  await log.append(payload)
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = bytes.slice()
  copy[at] ^= 1
  return copy
}

function withDigest(marker: Buffer): Uint8Array {
  const body = marker.subarray(0, -32)
  return Buffer.concat([body, createHash('sha256').update(body).digest()])
}
