import { randomBytes } from 'node:crypto'
import { KpipeError } from '@kpipe/engine/contracts'
import type { Store } from '@kpipe/engine/contracts'
import { createObject } from '../create-object.ts'
import type { Log } from '../log/log.ts'
import type { Key, SlotRecord } from '../log/payload.ts'
import type { LogState } from '../log/state.ts'
import type { Bundle, KeyRing } from './key-ring.ts'
import { slotKeyFor } from './new-slot.ts'
import { maxPasswordSlots } from './password.ts'
import { secretBytes, secretName } from './secret.ts'
import type { Secret } from './secret.ts'
import { encodeSlot, openSlotKey, readSlot, slotDigest, slotName } from './slot.ts'
import type { SlotKey } from './slot.ts'

export interface KeyContext {
  readonly store: Store
  readonly ring: KeyRing
  readonly log: Log
}

type AppendKey = (payload: Key, check: (state: LogState) => void) => Promise<unknown>

/** An epoch that no slot has yet is looked for so many times: attempts that died leave slots of theirs. */
const maxEpochTries = 64

/**
 * Makes a slot that holds the keys of all epochs, and its id in hex.
 * @throws KpipeError KPIPE_USAGE when the secret has a slot, or there are too many of passwords; KPIPE_APPEND_LOST, KPIPE_STORE_*
 */
export async function addSlot(context: KeyContext, secret: Secret): Promise<string> {
  const { ring, log } = context
  const { state } = log
  await demandNew(context, state, secret)
  const key = await slotKeyFor(ring.repositoryId, secret)
  const added: SlotRecord[] = []
  for (const epoch of ring.epochs()) added.push(await createSlot(context, key, ring.bundle(epoch)!))
  await appendKey((payload, check) => log.append(payload, check), state, state.epoch, [...state.slots, ...added])
  return hex(key.id)
}

/**
 * Takes a slot off the list, then its objects away. Resolves with the names of those that are still there: they open nothing.
 * @throws KpipeError KPIPE_USAGE when it is the last one, KPIPE_APPEND_LOST, KPIPE_STORE_*
 */
export async function removeSlot({ store, log }: KeyContext, id: string): Promise<readonly string[]> {
  const { state } = log
  const [gone, kept] = [state.slots.filter((slot) => hex(slot.id) === id), state.slots.filter((slot) => hex(slot.id) !== id)]
  if (kept.length === 0) {
    const text = `${id} is the last key slot of the repository at ${store.location}: without it nobody could read the backups`
    throw new KpipeError('KPIPE_USAGE', text, { slot: id })
  }
  await appendKey((payload, check) => log.append(payload, check), state, state.epoch, kept)
  const names = gone.map((record) => slotName(record.id, record.epoch))
  const removals = await Promise.allSettled(names.map((name) => store.remove(name)))
  return names.filter((_, index) => removals[index].status === 'rejected')
}

/**
 * Begins an epoch with new random roots, sealed to the public key of every slot: no other secret than the one that opened the
 * repository is needed. Resolves with its number.
 * @throws KpipeError KPIPE_DAMAGED when the objects of a slot are, KPIPE_APPEND_LOST, KPIPE_STORE_*
 */
export function rotateKeys(context: KeyContext): Promise<number> {
  return beginEpoch(context, slotIds(context.log.state.slots), (payload, check) => context.log.append(payload, check))
}

/** The same for some of the slots that are listed: the others are taken off the list. */
export async function beginEpoch(context: KeyContext, ids: readonly string[], append: AppendKey): Promise<number> {
  const { ring, log } = context
  const { state } = log
  const kept = state.slots.filter(({ id }) => ids.includes(hex(id)))
  const keys = await Promise.all(ids.map((id) => keptSlotKey(context, state.slots, id)))
  const epoch = await freeEpoch(context, keys, state.epoch)
  const bundle: Bundle = { epoch, m: randomBytes(32), d: randomBytes(32), tagKey: ring.tagKey }
  const added: SlotRecord[] = []
  for (const key of keys) added.push(await createSlot(context, key, bundle))
  await appendKey(append, state, epoch, [...kept, ...added])
  return epoch
}

/** Whether any object of a slot is as the log lists it. */
export async function isWholeSlot(context: KeyContext, id: string): Promise<boolean> {
  return (await wholeSlotKey(context, context.log.state.slots, id)) !== undefined
}

/** Ids in hex, in the order of the log. */
export function slotIds(slots: readonly SlotRecord[]): string[] {
  return [...new Set(slots.map(({ id }) => hex(id)))]
}

async function demandNew({ store, ring }: KeyContext, state: LogState, secret: Secret): Promise<void> {
  const same = slotIds(state.slots.filter(({ kind }) => kind === secret.kind))
  if (secret.kind === 'password' && same.length >= maxPasswordSlots)
    throw new KpipeError('KPIPE_USAGE', `the repository at ${store.location} has ${same.length} password slots, and no more are possible`)
  for (const id of same) {
    const slot = await wholeSlotKey({ store, ring }, state.slots, id)
    const bytes = slot === undefined ? undefined : await secretBytes(secret, slot.parameters)
    if (slot === undefined || bytes === undefined || typeof openSlotKey(ring.repositoryId, slot, bytes) === 'string') continue
    throw new KpipeError('KPIPE_USAGE', `${secretName(secret)} opens the repository already, by key slot ${id}`, { slot: id })
  }
}

async function createSlot({ store, ring }: KeyContext, key: SlotKey, bundle: Bundle): Promise<SlotRecord> {
  const object = encodeSlot(ring.repositoryId, key, bundle)
  const name = slotName(key.id, bundle.epoch)
  if ((await createObject(store, name, [object])) === 'exists')
    throw new KpipeError('KPIPE_APPEND_LOST', `another process changes the keys of ${store.location}: it made ${name}`, { object: name })
  return { id: key.id, kind: key.kind, public_key: key.publicKey, epoch: bundle.epoch, digest: slotDigest(object) }
}

/** The entry lists all slots, so it holds only as long as nobody else changes them. */
async function appendKey(append: AppendKey, before: LogState, epoch: number, slots: readonly SlotRecord[]): Promise<void> {
  await append({ kind: 'KEY', time: Date.now(), epoch, slots }, (state) => {
    if (state.slots !== before.slots) throw new KpipeError('KPIPE_APPEND_LOST', 'another process changed the keys at the same time')
  })
}

async function freeEpoch({ store }: KeyContext, keys: readonly SlotKey[], current: number): Promise<number> {
  for (let epoch = current + 1; epoch <= current + maxEpochTries; epoch++) {
    const taken = await Promise.all(keys.map(({ id }) => store.read(slotName(id, epoch), { offset: 0, length: 1 })))
    if (taken.every((bytes) => bytes === undefined)) return epoch
  }
  throw new KpipeError('KPIPE_APPEND_LOST', `${store.location} holds key slots of ${maxEpochTries} epochs that never began`)
}

async function keptSlotKey(context: KeyContext, slots: readonly SlotRecord[], id: string): Promise<SlotKey> {
  const key = await wholeSlotKey(context, slots, id)
  if (key !== undefined) return key
  const text = `all objects of key slot ${id} at ${context.store.location} are damaged or missing: nothing can be sealed to it`
  throw new KpipeError('KPIPE_DAMAGED', text, { slot: id })
}

/** The lasting half of a slot, from any of its objects that the log vouches for. */
async function wholeSlotKey(
  { store, ring }: Pick<KeyContext, 'store' | 'ring'>,
  slots: readonly SlotRecord[],
  id: string,
): Promise<SlotKey | undefined> {
  for (const record of slots.filter((slot) => hex(slot.id) === id).toReversed()) {
    const read = await readSlot(store, ring.repositoryId, slotName(record.id, record.epoch))
    if (read?.slot !== undefined && read.digest.equals(record.digest)) return read.slot
  }
  return undefined
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
