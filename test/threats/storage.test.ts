import { randomBytes } from 'node:crypto'
import { exitCodes } from '@kpipe/engine/contracts'
import type { KpipeErrorCode } from '@kpipe/engine/contracts'
import { memoryStore } from '@kpipe/engine/testing'
import type { MemoryStore } from '@kpipe/engine/testing'
import { test } from 'tap'
import type { Repository, Snapshot } from '../../packages/repository/src/index.ts'
import { keyRing } from '../../packages/repository/src/keys/key-ring.ts'
import { openSlots } from '../../packages/repository/src/keys/open-slots.ts'
import { entryName, openEntry } from '../../packages/repository/src/log/entry.ts'
import { packId } from '../../packages/repository/src/log/new-packs.ts'
import type { SnapshotEntry } from '../../packages/repository/src/log/payload.ts'
import { packName } from '../../packages/repository/src/packs/pack-name.ts'
import { keyFile, madeRepository, noise, reopened } from '../../packages/repository/test/made-repository.ts'
import { backUp, pageBytes, restore } from '../../packages/repository/test/paged-backup.ts'

// What a storage can do that holds no key: alter, swap, remove, mix. Whatever it does, a restore gives the right bytes or none.

interface Made {
  readonly store: MemoryStore
  readonly repository: Repository
  /** What each snapshot holds, by id. */
  readonly streams: ReadonlyMap<string, Buffer>
}

/** Three snapshots of two names, an epoch of its own for the last, and a manifest that lies in a pack. */
async function madeHistory(seed: string): Promise<Made> {
  const { store, repository } = await madeRepository()
  const streams = new Map<string, Buffer>()
  const keep = async (name: string, bytes: Buffer, facts = {}): Promise<void> => {
    const { snapshot } = await backUp(repository, bytes, { name, frameChunks: 32, facts })
    streams.set(snapshot.id, bytes)
  }
  const pages = noise(120 * pageBytes, seed)
  await keep('one', pages)
  await keep('one', Buffer.concat([noise(5 * pageBytes, `${seed}5`), pages.subarray(5 * pageBytes)]), { note: 'x'.repeat(70_000) })
  await repository.keys.rotate()
  await keep('other', noise(150 * pageBytes, `${seed} other`))
  return { store, repository, streams }
}

/** How often each end came: `right` for bytes as they were stored, else the code. */
type Ends = Record<string, number>

/**
 * Opens what the storage shows and restores every snapshot that is listed, or that is known by its id. Fails the test for bytes
 * that are not those of the snapshot, and for an error that does not say that the repository is damaged.
 */
async function restoreAll(t: Tap, shown: MemoryStore, { streams }: Made, what: string): Promise<Ends> {
  const ends: Ends = {}
  const count = (end: string): void => void (ends[end] = (ends[end] ?? 0) + 1)
  const refused = (error: unknown): void => {
    const { code } = error as { code?: string }
    if (exitCodes[code as KpipeErrorCode] !== 65 && !tellsOfKeys.has(`${code}`)) t.fail(`${what}: ${String(error)}`)
    count(code ?? 'none')
  }
  let repository: Repository
  try {
    repository = await reopened(shown)
  } catch (error) {
    refused(error)
    return ends
  }
  for (const snapshot of repository.snapshots()) if (!streams.has(snapshot.id)) t.fail(`${what}: a snapshot that nobody made`)
  for (const [id, bytes] of streams) {
    try {
      const snapshot: Snapshot = repository.find(id)
      if ((await restore(repository, snapshot)).equals(bytes)) count('right')
      else t.fail(`${what}: other bytes`)
    } catch (error) {
      if ((error as { code?: string }).code === 'KPIPE_UNKNOWN_SNAPSHOT' && repository.lost.length > 0) count('lost')
      else refused(error)
    }
  }
  return ends
}

type Tap = { fail(message: string): unknown }
/** The slot that the secret opens may be the one that was damaged or went; or the marker may have gone. */
const tellsOfKeys = new Set(['KPIPE_KEY_WRONG', 'KPIPE_NO_REPOSITORY'])

const altered = (store: MemoryStore, changes: Readonly<Record<string, Uint8Array | undefined>>): MemoryStore => {
  const other = memoryStore(store.objects)
  for (const [name, bytes] of Object.entries(changes)) {
    if (bytes === undefined) other.objects.delete(name)
    else other.objects.set(name, bytes)
  }
  return other
}

function add(sum: Ends, ends: Ends): void {
  for (const [end, count] of Object.entries(ends)) sum[end] = (sum[end] ?? 0) + count
}

test('an object that was altered, cut off or made longer gives no other bytes', async (t) => {
  const made = await madeHistory('alter')
  const ends: Ends = {}
  let cases = 0
  for (const [name, bytes] of made.store.objects) {
    const places = [0, 8, 13, 30, 50, 73, 90, 110, 125]
    const spread = Array.from({ length: 6 }, (_, index) => Math.floor((bytes.length * index) / 6))
    const changes = [...new Set([...places, ...spread, bytes.length - 40, bytes.length - 8, bytes.length - 1])]
      .filter((at) => at >= 0 && at < bytes.length)
      .map((at) => flipped(bytes, at))
    for (const other of [...changes, bytes.slice(0, bytes.length >> 1), Buffer.concat([bytes, Buffer.alloc(1)]), new Uint8Array(0)]) {
      add(ends, await restoreAll(t, altered(made.store, { [name]: other }), made, name))
      cases += 1
    }
  }
  t.ok(cases > 200, `${cases} alterations`)
  t.match(ends, { right: Number, KPIPE_DAMAGED: Number, lost: Number })
})

test('two objects that were swapped are passed off for each other by none', async (t) => {
  const made = await madeHistory('swap')
  const names = [...made.store.objects.keys()]
  const ends: Ends = {}
  for (const kind of ['packs/', 'log/', 'keys/']) {
    const group = names.filter((name) => name.startsWith(kind))
    t.ok(group.length >= 4, `${group.length} of ${kind}`)
    for (const [index, one] of group.entries()) {
      for (const other of group.slice(index + 1)) {
        const swapped = { [one]: made.store.objects.get(other), [other]: made.store.objects.get(one) }
        add(ends, await restoreAll(t, altered(made.store, swapped), made, `${one} and ${other}`))
      }
    }
  }
  t.match(ends, { right: Number, KPIPE_DAMAGED: Number })
})

test('one object under the name of another deceives nobody', async (t) => {
  const made = await madeHistory('copy')
  const ends: Ends = {}
  const objects = [...made.store.objects]
  for (const [one] of objects)
    for (const [other, bytes] of objects)
      if (one !== other) add(ends, await restoreAll(t, altered(made.store, { [one]: bytes }), made, `${other} as ${one}`))
  t.match(ends, { right: Number, KPIPE_DAMAGED: Number })
})

test('objects of another repository are passed off by none, though the same key opens both', async (t) => {
  const [made, foreign] = [await madeHistory('ours'), await madeHistory('theirs')]
  const ends: Ends = {}
  const kindOf = (name: string): string => name.split('/')[0]
  for (const name of made.store.objects.keys())
    for (const [other, bytes] of foreign.store.objects)
      if (kindOf(name) === kindOf(other))
        add(ends, await restoreAll(t, altered(made.store, { [name]: bytes }), made, `${other} as ${name}`))
  // Added instead of put in the place of another, they are nothing at all.
  for (const [name, bytes] of foreign.store.objects) {
    if (made.store.objects.has(name)) continue
    const shown = altered(made.store, { [name]: bytes })
    t.match(await restoreAll(t, shown, made, name), { right: 3 }, `${kindOf(name)} of another repository`)
  }
  t.match(ends, { right: Number, KPIPE_DAMAGED: Number })
})

test('frames that were swapped within a pack and between packs are noticed', async (t) => {
  const made = await madeHistory('frames')
  const { store, streams } = made
  // Frames of 32 pages of the same length, sealed by no codec here: the directory's digests alone tell them apart.
  const frameBytes = 32 * pageBytes
  const [[id]] = streams
  const isChunks = ([name, bytes]: [string, Uint8Array]): boolean => name.startsWith('packs/') && bytes[12] === 0x44
  const [name, bytes] = [...store.objects].find((object) => isChunks(object) && object[1].length > 3 * frameBytes)!
  const [, other] = [...store.objects].findLast((object) => isChunks(object) && object[0] !== name)!
  const swapped = Buffer.from(bytes)
  swapped.set(bytes.subarray(48 + frameBytes, 48 + 2 * frameBytes), 48)
  swapped.set(bytes.subarray(48, 48 + frameBytes), 48 + frameBytes)
  const foreign = Buffer.from(bytes)
  foreign.set(other.subarray(48, 48 + 5 * pageBytes), 48)
  for (const damaged of [swapped, foreign]) {
    const shown = await reopened(altered(store, { [name]: damaged }))
    await t.rejects(restore(shown, shown.find(id)), { code: 'KPIPE_DAMAGED', message: /the frame at byte 48 is not the one/ })
    const { damages } = await shown.check({ read: { share: { kind: 'share', share: 1 }, prove: async () => undefined } })
    t.ok(damages.length > 0)
    t.same(new Set(damages.map(({ object }) => object)), new Set([name]))
  }
})

test('manifests of one length that lie in packs do not pass for each other', async (t) => {
  const { store, repository } = await madeRepository()
  for (const letter of ['a', 'b', 'c']) await backUp(repository, noise(10 * pageBytes, 'same'), { facts: { note: letter.repeat(70_000) } })
  t.equal((await reopened(store)).snapshots().length, 3)
  const repositoryId = Buffer.from(repository.id, 'hex')
  const ring = keyRing(repositoryId, (await openSlots(store, repositoryId, keyFile)).bundles)
  const places: { name: string; offset: number; length: number }[] = []
  for (const n of [4, 6]) {
    const { payload } = openEntry(ring, n, store.objects.get(entryName(n))!) as { payload: SnapshotEntry }
    const { counter, offset, stored_bytes: length } = payload.manifest as Exclude<SnapshotEntry['manifest'], Uint8Array>
    places.push({ name: packName(packId(payload.writer, counter)), offset, length })
  }
  const [one, other] = places
  t.equal(one.length, other.length)
  const put = (from: typeof one, into: typeof one): Buffer => {
    const mixed = Buffer.from(store.objects.get(into.name)!)
    mixed.set(store.objects.get(from.name)!.subarray(from.offset, from.offset + from.length), into.offset)
    return mixed
  }
  const shown = await reopened(altered(store, { [one.name]: put(other, one), [other.name]: put(one, other) }))
  t.equal(shown.snapshots().length, 1)
  t.equal(shown.lost.length, 2)
})

test('a log entry or snapshot that the storage removes is noticed', async (t) => {
  const made = await madeHistory('remove')
  const { store, streams } = made
  const entries = [...store.objects.keys()].filter((name) => name.startsWith('log/'))
  for (const name of entries.slice(1, -1)) {
    const shown = await reopened(altered(store, { [name]: undefined }))
    t.ok(
      shown.lost.some((sentence) => sentence.startsWith(name)),
      name,
    )
    t.throws(() => shown.find('latest'), { code: 'KPIPE_DAMAGED', message: name })
    await t.rejects(backUp(shown, noise(10, 'x')), { code: 'KPIPE_DAMAGED', message: name })
    t.ok((await shown.check({})).damages.some(({ object }) => object === name))
  }
  await t.rejects(reopened(altered(store, { [entries[0]]: undefined })), { code: 'KPIPE_OBJECT_MISSING' })
  for (const name of [...store.objects.keys()].filter((object) => object.startsWith('packs/'))) {
    const shown = await reopened(altered(store, { [name]: undefined }))
    const { damages } = await shown.check({})
    const damage = damages.find(({ object }) => object === name)
    t.ok(damage !== undefined && damage.snapshots.length > 0, `${name} and who needs it`)
    for (const id of damage?.snapshots ?? []) {
      t.ok(streams.has(id))
      if (shown.lost.length === 0) await t.rejects(restore(shown, shown.find(id)), { code: /KPIPE_OBJECT_MISSING|KPIPE_DAMAGED/ })
    }
  }
  // All that a snapshot brought, and the entries that tell of it: only a memory of the head notices that, see rollback.test.ts.
  const [last] = entries.slice(-1)
  t.equal(
    (await reopened(altered(store, { [last]: undefined }), { expectHead: made.repository.head })).rollback?.remembered,
    made.repository.head,
  )
})

test('what a storage writes without a key is no entry, no slot and no pack', async (t) => {
  const made = await madeHistory('forge')
  const next = [...made.store.objects.keys()].filter((name) => name.startsWith('log/')).length
  const header = (name: string): Buffer => Buffer.from(made.store.objects.get(name)!.subarray(0, 72))
  const entry = `log/${String(next).padStart(20, '0')}`
  const last = header(`log/${String(next - 1).padStart(20, '0')}`)
  last.writeBigUInt64LE(BigInt(next), 12)
  for (const forged of [randomBytes(400), Buffer.concat([last, randomBytes(328)]), Buffer.alloc(0)]) {
    const shown = await reopened(altered(made.store, { [entry]: forged }))
    t.match(shown.lost, [new RegExp(`${entry} .* is lost`)])
    t.equal(shown.snapshots().length, 3, 'nothing of it has an effect')
  }
  const [slot] = [...made.store.objects.keys()].filter((name) => name.startsWith('keys/'))
  const own = flipped(made.store.objects.get(slot)!, 50)
  t.match(await restoreAll(t, altered(made.store, { 'keys/0011223344556677/0000000001': own, 'packs/ff/x': own }), made, 'added'), {
    right: 3,
  })
})

function flipped(bytes: Uint8Array, at: number): Buffer {
  const other = Buffer.from(bytes)
  other[at] ^= 1
  return other
}
