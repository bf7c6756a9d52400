import { createHash, randomBytes } from 'node:crypto'
import { KpipeError } from '@kpipe/engine/contracts'
import type { Store } from '@kpipe/engine/contracts'
import { createObject } from './create-object.ts'
import { noRequirements } from './features.ts'
import { formatHead } from './head-memory.ts'
import { firstEpoch, keyRing } from './keys/key-ring.ts'
import type { Bundle } from './keys/key-ring.ts'
import { parseRecoveryPhrase } from './keys/secret.ts'
import type { Secret } from './keys/secret.ts'
import { slotKeyFor } from './keys/new-slot.ts'
import { encodeSlot, slotName } from './keys/slot.ts'
import { encodeEntry, entryName, logPrefix } from './log/entry.ts'
import type { SlotRecord } from './log/payload.ts'
import { encodeMarker, markerName, readMarker } from './marker.ts'
import { packsPrefix } from './packs/pack-name.ts'
import { readBounded } from './read-bounded.ts'
import { toolName } from './snapshot.ts'

export interface InitOptions {
  readonly store: Store
  readonly keyFile: Secret
  readonly recoveryPhrase: string | undefined
  /** Fixed for the life of the repository. */
  readonly tagAlgorithm: string
}

/**
 * Makes a repository: slots, GENESIS, and the marker last, so that an init that died has made nothing that anybody opens.
 * Its remains are removed by the next one, which says `resumed`.
 * @throws KpipeError KPIPE_REPOSITORY_EXISTS, KPIPE_DAMAGED when there are backups but no marker, KPIPE_STORE_*
 */
export async function initRepository(options: InitOptions): Promise<{ id: string; head: string; resumed: boolean }> {
  const { store, tagAlgorithm } = options
  // Parsed before anything is made.
  const { keyFile, recoveryPhrase } = options
  const given = [keyFile, ...(recoveryPhrase === undefined ? [] : [parseRecoveryPhrase(recoveryPhrase)])]
  if ((await readMarker(store)) !== undefined) throw exists(store)
  const resumed = await removeRemains(store)

  const repositoryId = randomBytes(16)
  const bundle: Bundle = { epoch: firstEpoch, m: randomBytes(32), d: randomBytes(32), tagKey: randomBytes(64) }
  const slots: SlotRecord[] = []
  for (const secret of given) {
    const key = await slotKeyFor(repositoryId, secret)
    const object = encodeSlot(repositoryId, key, bundle)
    await create(store, slotName(key.id, firstEpoch), object)
    slots.push({ id: key.id, kind: key.kind, public_key: key.publicKey, epoch: firstEpoch, digest: digest(object) })
  }
  const marker = encodeMarker({ repositoryId, requires: noRequirements })
  const header = { n: 0, epoch: firstEpoch, previous: new Uint8Array(32) }
  const ring = keyRing(repositoryId, [bundle])
  const genesis = encodeEntry(ring, header, {
    kind: 'GENESIS',
    time: Date.now(),
    tool: toolName,
    tag_algorithm: tagAlgorithm,
    marker: digest(marker),
    slots,
    requires: noRequirements,
  })
  await create(store, entryName(0), genesis)
  await create(store, markerName, marker)
  // Another init may have taken this one's GENESIS for remains while both ran.
  const kept = await readBounded(store, entryName(0), genesis.length)
  if (!(kept instanceof Uint8Array) || Buffer.compare(kept, genesis) !== 0) {
    await store.remove(markerName)
    throw new KpipeError('KPIPE_STORE_FAILED', `another init ran at ${store.location} at the same time; neither made a repository`)
  }
  return { id: repositoryId.toString('hex'), head: formatHead({ n: 0, digest: digest(genesis).toString('hex') }), resumed }
}

/** Without a marker nothing was ever backed up, unless packs or later entries say that the marker was lost. */
async function removeRemains(store: Store): Promise<boolean> {
  for (const [prefix, after] of [
    [packsPrefix, undefined],
    [logPrefix, entryName(0)],
  ] as const) {
    for await (const { name } of store.list(prefix, after)) {
      const text = `${store.location} holds ${name} but no marker: it is a damaged repository, not an empty place`
      throw new KpipeError('KPIPE_DAMAGED', text, { object: markerName })
    }
  }
  const remains: string[] = []
  for await (const { name } of store.list('keys/')) remains.push(name)
  if ((await store.read(entryName(0), { offset: 0, length: 1 })) !== undefined) remains.push(entryName(0))
  for (const name of remains) await store.remove(name)
  return remains.length > 0
}

async function create(store: Store, name: string, bytes: Uint8Array): Promise<void> {
  if ((await createObject(store, name, [bytes])) === 'exists') throw exists(store)
}

function exists(store: Store): KpipeError {
  return new KpipeError('KPIPE_REPOSITORY_EXISTS', `there is a repository at ${store.location}`, { location: store.location })
}

function digest(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest()
}
