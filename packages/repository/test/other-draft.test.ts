import { createHash } from 'node:crypto'
import { KpipeError } from '@kpipe/engine/contracts'
import type { MemoryStore } from '@kpipe/engine/testing'
import { memoryStore } from '@kpipe/engine/testing'
import { test } from 'tap'
import { openSlots } from '../src/keys/open-slots.ts'
import { keyRing } from '../src/keys/key-ring.ts'
import type { KeyRing } from '../src/keys/key-ring.ts'
import { encodeEntry, entryDigest, entryName, openEntry } from '../src/log/entry.ts'
import type { Entry } from '../src/log/entry.ts'
import { encodePackNumbers } from '../src/log/pack-numbers.ts'
import type { Payload, SnapshotEntry } from '../src/log/payload.ts'
import { decodeManifest } from '../src/manifest.ts'
import { decode, encode } from '../src/msgpack.ts'
import { decodeDirectory, encodeDirectory } from '../src/packs/directory.ts'
import { directoryHeader, packHeader } from '../src/packs/pack-builder.ts'
import { packName } from '../src/packs/pack-name.ts'
import { packId } from '../src/log/new-packs.ts'
import { decodePart, encodeChange, encodeFullPart } from '../src/recipes/part.ts'
import { sealUnit } from '../src/sealed-unit.ts'
import { u32 } from '../src/format.ts'
import { mutants } from './mutants.ts'
import { dice, keyFile, madeRepository, noise, reopened } from './made-repository.ts'
import { backUp, begin, pageBytes, restore } from './paged-backup.ts'

// Authenticated bytes that are not what this version writes: of another draft, or of a writer with a fault.

/** Random bytes of it changed. */
function* noisy(bytes: Uint8Array, count: number): Generator<Buffer> {
  const random = dice(count)
  for (let turn = 0; turn < count; turn++) {
    const other = Buffer.from(bytes)
    for (let change = 0; change <= turn % 4; change++) other[Math.floor(random() * other.length)] = Math.floor(random() * 256)
    yield turn % 7 === 0 ? other.subarray(0, Math.floor(random() * other.length)) : other
  }
}

/** Counts those that are refused; any other error than `of` is thrown. */
function refusals(
  inputs: Iterable<Buffer>,
  of: (error: unknown) => boolean,
  work: (bytes: Buffer) => unknown,
): { refused: number; taken: number } {
  let [refused, taken] = [0, 0]
  for (const bytes of inputs) {
    try {
      work(bytes)
      taken += 1
    } catch (error) {
      if (!of(error)) throw error
      refused += 1
    }
  }
  return { refused, taken }
}

function* encoded(value: unknown): Generator<Buffer> {
  for (const mutant of mutants(value)) yield encode(mutant)
  yield* noisy(encode(value), 3000)
}

const isRangeError = (error: unknown): boolean => error instanceof RangeError

test('a directory that is not one is refused by a sentence', async (t) => {
  const kinds = [
    { epoch: 1, codecs: [{ stage: 'c', version: '1', settings: { level: 3 } }], key: 'derived', pageBytes: 10 } as const,
    { epoch: 2, codecs: [], key: 'derived', pageBytes: 0 } as const,
  ]
  const tags = noise(16 * 6, 'tags')
  tags.copy(tags, 16, 0, 6)
  const whole = encodeDirectory('D', [
    { kind: kinds[0], offset: 48, lengths: [30, 20], digest: noise(16, 'd'), tags: tags.subarray(0, 48), ends: Uint32Array.of(10, 20, 30) },
    { kind: kinds[1], offset: 68, lengths: [25], digest: noise(16, 'e'), tags: tags.subarray(48), ends: Uint32Array.of(7, 9, 25) },
  ])
  const { refused, taken } = refusals(encoded(decode(whole)), isRangeError, decodeDirectory)
  t.ok(refused > 1000, `${refused} refused, ${taken} taken`)
})

test('a recipe part that is not one is refused by a sentence', async (t) => {
  const part = {
    count: 3,
    tags: noise(48, 't'),
    packs: Uint32Array.of(0, 0, 1),
    table: ['aa'.repeat(16), 'bb'.repeat(16)],
    lengths: undefined,
  }
  const full = encodeFullPart(part)
  const base = decodePart(full)
  const change = encodeChange({ ...part, lengths: Uint32Array.of(1, 2, 3) }, noise(16, 'b'), 2, Uint32Array.of(1))
  for (const bytes of [full, change]) {
    const { refused, taken } = refusals(encoded(decode(bytes)), isRangeError, (mutant) => decodePart(mutant, base))
    t.ok(refused > 100, `${refused} refused, ${taken} taken`)
  }
})

test('a manifest that is not one is refused as a format that is not known', async (t) => {
  const { repository } = await madeRepository()
  const { snapshot } = await backUp(repository, noise(10 * pageBytes, 'm'), { tags: ['a'], facts: { revision: 1 } })
  const isUnsupported = (error: unknown): boolean => error instanceof KpipeError && error.code === 'KPIPE_FORMAT_UNSUPPORTED'
  const { refused, taken } = refusals(encoded(snapshot.manifest), isUnsupported, (bytes) => {
    const { time, streams } = decodeManifest(bytes)
    return [new Date(time).toISOString(), streams[0].bytes]
  })
  t.ok(refused > 1000, `${refused} refused, ${taken} taken`)
})

test('a log entry that holds something else is lost with a reason, whatever it holds', async (t) => {
  const { ring, payloads } = await openedRing()
  const header = { n: 1, epoch: 1, previous: Buffer.alloc(32) }
  for (const payload of payloads) {
    const whole = openEntry(ring, 1, encodeEntry(ring, header, payload))
    t.ok('payload' in whole, `${payload.kind} itself opens`)
    let lost = 0
    for (const mutant of mutants(payload)) {
      const entry = openEntry(ring, 1, encodeEntry(ring, header, mutant as Payload))
      if (!('payload' in entry)) lost += 1
    }
    t.ok(lost > 10, `${payload.kind}: ${lost}`)
  }
})

test('a repository with an entry of another draft is read, tells of it, and refuses writing', async (t) => {
  const { store, repository } = await madeRepository()
  const bytes = noise(10 * pageBytes, 'a')
  await backUp(repository, bytes)
  for (const payload of [
    { kind: 'FORGET', time: 0, snapshots: 'all' },
    ['no map'],
    { kind: 'SNAPSHOT', time: 0, writer: Buffer.alloc(8), packs: [[]] },
  ]) {
    const other = memoryStore(store.objects)
    await append(other, payload as unknown as Payload)
    const opened = await reopened(other)
    t.match(opened.lost, [/is lost: what it holds is not of this format/])
    const [snapshot] = opened.snapshots()
    t.ok((await restore(opened, snapshot)).equals(bytes))
    await t.rejects(begin(opened), { code: 'KPIPE_DAMAGED' })
    t.match((await opened.check({})).damages, [{ object: entryName(3), problem: 'what it holds is not of this format' }])
  }
})

test('a sealed directory of another draft is damage that names the pack and the snapshot', async (t) => {
  const { store, ring, repository } = await openedRing()
  const { snapshot } = await backUp(repository, noise(10 * pageBytes, 'a'))
  const writer = snapshot.manifest.writer
  const id = packId(writer, 0)
  const name = packName(id)
  const pack = Buffer.from(store.objects.get(name)!)
  const sealedBytes = pack.readUInt32LE(pack.length - 16)
  const begins = pack.length - 16 - sealedBytes
  const header = directoryHeader(packHeader('D', id, ring.repositoryId), 1)
  for (const wrong of [{ class: 'D', frames: 1 }, ['no map'], { class: 'M', kinds: [], frames: 0 }]) {
    const body = encode(wrong)
    const sealed = sealUnit(ring.workingKey(1, 'directory'), header, [
      u32(body.length),
      body,
      Buffer.alloc(sealedBytes - 64 - 4 - body.length),
    ])
    sealed.copy(pack, begins)
    store.objects.set(name, pack)
    await t.rejects(repository.openStream(snapshot), {
      code: 'KPIPE_DAMAGED',
      message: new RegExp(`${name}.*not of this format.*${snapshot.shortId}`),
    })
  }
})

async function openedRing(): Promise<{
  store: MemoryStore
  repository: Awaited<ReturnType<typeof reopened>>
  ring: KeyRing
  payloads: readonly Payload[]
}> {
  const { store, repository } = await madeRepository()
  const ring = await ringOf(store, Buffer.from(repository.id, 'hex'))
  const writer = Buffer.alloc(8, 1)
  const packs = encodePackNumbers([65_536 * 2, 65_536 * 2 + 3, 65_536 * 9])
  const slots = [{ id: Buffer.alloc(8), kind: 'key-file' as const, public_key: Buffer.alloc(32), epoch: 1, digest: Buffer.alloc(32) }]
  const requires = { read: [], write: ['a'], collect: [] }
  const place = { id: Buffer.alloc(32), counter: 1, offset: 48, stored_bytes: 100, epoch: 1 }
  const snapshot: SnapshotEntry = {
    kind: 'SNAPSHOT',
    time: 1,
    writer,
    packs: [['D', 0, 500, 100, Buffer.alloc(32)]],
    uses: packs,
    manifest: place,
  }
  const payloads: readonly Payload[] = [
    { kind: 'GENESIS', time: 1, tool: 't', tag_algorithm: 'sha256', marker: Buffer.alloc(32), slots, requires },
    { kind: 'OPEN', time: 1, writer, tool: 't', host: 'h', boot: '', pid: 1 },
    snapshot,
    { ...snapshot, manifest: Buffer.alloc(10) },
    { kind: 'ABORT', time: 1, writer, reason: 'r' },
    { kind: 'FORGET', time: 1, snapshots: [Buffer.alloc(32)] },
    { kind: 'CONDEMN', time: 1, packs },
    { kind: 'SWEEP', time: 1, writer, packs },
    { kind: 'KEY', time: 1, epoch: 2, slots },
    { kind: 'CHECKED', time: 1, packs },
    { kind: 'VOID', time: 1, n: 3, digest: createHash('sha256').digest() },
    { kind: 'DRILLED', time: 1, snapshot: Buffer.alloc(32), level: 'booted', passed: true, note: 'n' },
  ]
  return { store, repository, ring, payloads }
}

async function ringOf(store: MemoryStore, id: Uint8Array): Promise<KeyRing> {
  const slots = await openSlots(store, id, keyFile)
  return keyRing(id, [(await slots.learn(1))!])
}

async function append(store: MemoryStore, payload: Payload): Promise<void> {
  const ring = await ringOf(store, Buffer.from((await reopened(store)).id, 'hex'))
  const names = [...store.objects.keys()].filter((name) => name.startsWith('log/')).toSorted()
  const head = store.objects.get(names.at(-1)!)!
  const { n }: Pick<Entry, 'n'> = { n: names.length }
  store.objects.set(entryName(n), encodeEntry(ring, { n, epoch: 1, previous: entryDigest(head) }, payload))
}
