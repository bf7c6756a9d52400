import { KpipeError } from '@kpipe/engine/contracts'
import type { Store } from '@kpipe/engine/contracts'
import { maxSlotObjects } from '../bounds.ts'
import type { LogState } from '../log/state.ts'
import { mapLimit } from '../map-limit.ts'
import type { Bundle, KeyRing } from './key-ring.ts'
import { maxPasswordSlots, maxPasswordWork, passwordWork } from './password.ts'
import { secretBytes, secretName } from './secret.ts'
import type { Secret } from './secret.ts'
import { openBundle, openSlotKey, readSlot, slotName, slotNamePattern } from './slot.ts'
import type { ReadSlot } from './slot.ts'

/** A bundle of a slot that the secret opens. Whether it is the repository's, only the log can tell. */
interface Opened {
  readonly name: string
  readonly slotId: string
  readonly digest: Buffer
  readonly bundle: Bundle
}

export interface OpenedSlots {
  /** Of all epochs, those of attempts that died and of forgers included. */
  readonly bundles: readonly Bundle[]
  /** Names of objects under `keys/` that are not what was written. */
  readonly damaged: readonly string[]
  /** Whether the secret opens that slot; id in hex. */
  opened(slotId: string): boolean
  /** The keys of an epoch; looked for anew when they were not there at first. */
  learn(epoch: number): Promise<Bundle | undefined>
  /** @throws KpipeError KPIPE_DAMAGED when the ring holds other keys than those of the slots of the secret that are listed, as far as any is */
  demandListed(listed: LogState['slots'], ring: KeyRing): void
  /**
   * Proves that the keys in use come from slots that the log vouches for.
   * @throws KpipeError KPIPE_KEY_WRONG when it lists no slot of the secret (any more), KPIPE_DAMAGED
   */
  verify(state: LogState, ring: KeyRing): void
}

/** Reads all slots and opens those of one secret, every epoch. @throws KpipeError KPIPE_KEY_WRONG, KPIPE_KEY_MALFORMED, KPIPE_DAMAGED */
export async function openSlots(store: Store, repositoryId: Uint8Array, secret: Secret): Promise<OpenedSlots> {
  const slots = await readSlots(store, repositoryId)
  const damaged = slots.filter(({ slot }) => slot === undefined).map(({ name }) => name)
  const ofKind = slots.filter(({ slot }) => slot?.kind === secret.kind)
  const { privateKeys, broken } = await openPrivateKeys(store, repositoryId, secret, ofKind)
  damaged.push(...broken)
  const opened: Opened[] = []
  const take = ({ name, slot, digest }: ReadSlot): boolean => {
    const slotId = slot === undefined ? '' : hex(slot.id)
    const privateKey = privateKeys.get(slotId)
    const bundle = slot === undefined || privateKey === undefined ? undefined : openBundle(repositoryId, slot, privateKey)
    if (bundle !== undefined) opened.push({ name, slotId, digest, bundle })
    return bundle !== undefined
  }
  for (const read of ofKind) if (privateKeys.has(hex(read.slot!.id)) && !take(read)) damaged.push(read.name)
  if (opened.length === 0) throw noneOpened(store, secret, ofKind.length, damaged)
  const ownOf = (listed: LogState['slots']): LogState['slots'] => listed.filter(({ id }) => privateKeys.has(hex(id)))
  const vouched = (own: LogState['slots'], used: Bundle): boolean =>
    own.some((record) => opened.some((slot) => isOf(record, slot) && sameBundle(slot.bundle, used)))
  const unvouched = (epoch: number): KpipeError => {
    const name = opened.find(({ bundle }) => bundle.epoch === epoch)!.name
    return new KpipeError('KPIPE_DAMAGED', `the log of ${store.location} does not vouch for the key slot ${name}`, { object: name })
  }
  return {
    bundles: opened.map(({ bundle }) => bundle),
    damaged,
    opened: (slotId) => privateKeys.has(slotId),
    async learn(epoch) {
      const known = opened.find(({ bundle }) => bundle.epoch === epoch)
      if (known !== undefined) return known.bundle
      for (const slotId of privateKeys.keys()) {
        const read = await readSlot(store, repositoryId, slotName(Buffer.from(slotId, 'hex'), epoch))
        if (read !== undefined && take(read)) return opened.at(-1)!.bundle
      }
      return undefined
    },
    demandListed(listed, ring) {
      const own = ownOf(listed)
      for (const epoch of ring.epochs())
        if (own.some((record) => record.epoch === epoch) && !vouched(own, ring.bundle(epoch)!)) throw unvouched(epoch)
    },
    verify(state, ring) {
      const own = ownOf(state.slots)
      // A lost entry may have been the one that lists it; not where even the keys of the epoch were withheld from it.
      if (own.length === 0 && (state.lost.size === 0 || !ring.knows(state.epoch))) throw removed(store, secret)
      for (const epoch of ring.epochs()) {
        if (vouched(own, ring.bundle(epoch)!) || (state.lost.size > 0 && (epoch > state.epoch || own.length === 0))) continue
        throw unvouched(epoch)
      }
      if (!ring.knows(state.epoch)) {
        const name = slotName(own[0].id, state.epoch)
        throw new KpipeError('KPIPE_DAMAGED', `the key slot ${name} at ${store.location} is damaged or missing`, { object: name })
      }
    },
  }
}

/** Of each slot of the kind that the secret opens, by its id in hex. The box is the same in all epochs: one that is whole is enough. */
async function openPrivateKeys(
  store: Store,
  repositoryId: Uint8Array,
  secret: Secret,
  slots: readonly ReadSlot[],
): Promise<{ privateKeys: Map<string, Buffer>; broken: string[] }> {
  const privateKeys = new Map<string, Buffer>()
  const broken: string[] = []
  const secrets = new Map<string, Uint8Array | undefined>()
  if (secret.kind === 'password') demandAffordable(store, slots)
  for (const { name, slot } of slots) {
    const parameters = hex(slot!.parameters)
    if (privateKeys.has(hex(slot!.id))) continue
    if (!secrets.has(parameters)) secrets.set(parameters, await secretBytes(secret, slot!.parameters))
    const bytes = secrets.get(parameters)
    const privateKey = bytes === undefined ? 'bytes' : openSlotKey(repositoryId, slot!, bytes)
    if (privateKey === 'bytes') broken.push(name)
    else if (privateKey !== 'key') privateKeys.set(hex(slot!.id), privateKey)
  }
  return { privateKeys, broken }
}

/** Whoever can write can make slots: how much work they ask for is known before any of it is done. */
function demandAffordable(store: Store, slots: readonly ReadSlot[]): void {
  const different = new Map(slots.map(({ slot }) => [hex(slot!.parameters), slot!.parameters]))
  const work = [...different.values()].reduce((sum, parameters) => sum + passwordWork(parameters), 0)
  const { location } = store
  if (different.size > maxPasswordSlots)
    throw new KpipeError('KPIPE_DAMAGED', `${location} holds more than ${maxPasswordSlots} password slots`, { location })
  if (work > maxPasswordWork)
    throw new KpipeError('KPIPE_DAMAGED', `the password slots at ${location} ask for more memory and time than is given`, { location })
}

async function readSlots(store: Store, repositoryId: Uint8Array): Promise<ReadSlot[]> {
  const names: string[] = []
  for await (const { name } of store.list('keys/')) {
    // What else lies there is nobody's slot.
    if (slotNamePattern.test(name)) names.push(name)
    if (names.length > maxSlotObjects)
      throw new KpipeError('KPIPE_DAMAGED', `${store.location} holds more than ${maxSlotObjects} objects of key slots`, { object: name })
  }
  const slots = await mapLimit(names, 16, (name) => readSlot(store, repositoryId, name))
  // Another process may have removed one since the list was made.
  return slots.filter((slot) => slot !== undefined)
}

function isOf(record: LogState['slots'][number], { slotId, bundle, digest }: Opened): boolean {
  return hex(record.id) === slotId && record.epoch === bundle.epoch && digest.equals(record.digest)
}

function sameBundle(one: Bundle, other: Bundle): boolean {
  return one.epoch === other.epoch && (['m', 'd', 'tagKey'] as const).every((name) => Buffer.compare(one[name], other[name]) === 0)
}

function removed({ location }: Store, secret: Secret): KpipeError {
  const text = `${secretName(secret)} does not open the repository at ${location}: its key slot was removed, or adding it did not end`
  return new KpipeError('KPIPE_KEY_WRONG', text, { location, removed: true })
}

function noneOpened(store: Store, secret: Secret, tried: number, damaged: readonly string[]): KpipeError {
  const what = secretName(secret)
  if (damaged.length > 0) {
    const text = `${what} opens no key slot of the repository at ${store.location}, and damaged are: ${damaged.join(', ')}`
    return new KpipeError('KPIPE_DAMAGED', text, { object: damaged[0], objects: damaged })
  }
  const count = tried === 0 ? 'it has no key slot of that kind' : `none of its ${tried} key slots of that kind opens`
  return new KpipeError('KPIPE_KEY_WRONG', `${what} does not open the repository at ${store.location}: ${count}`, {
    location: store.location,
  })
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
