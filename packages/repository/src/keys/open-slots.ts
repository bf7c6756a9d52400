import { createHash } from 'node:crypto'
import { KpipeError } from '@kpipe/engine/contracts'
import type { Store } from '@kpipe/engine/contracts'
import type { SlotRecord } from '../log/payload.ts'
import { mapLimit } from '../map-limit.ts'
import type { Bundle } from './key-ring.ts'
import { secretBytes } from './secret.ts'
import type { Secret } from './secret.ts'
import { maxSlotBytes, openBundle, openSlotKey, parseSlot } from './slot.ts'
import type { ParsedSlot } from './slot.ts'

interface ReadSlot {
  readonly name: string
  readonly slot: ParsedSlot | undefined
  readonly digest: Buffer
}

export interface OpenedSlots {
  readonly bundles: readonly Bundle[]
  /** Proves that the slots which opened are those that the log vouches for. @throws KpipeError KPIPE_DAMAGED */
  verify(records: readonly SlotRecord[]): void
}

/** Reads all slots and opens those of one secret, every epoch. @throws KpipeError KPIPE_KEY_WRONG, KPIPE_KEY_MALFORMED, KPIPE_DAMAGED */
export async function openSlots(store: Store, repositoryId: Uint8Array, secret: Secret): Promise<OpenedSlots> {
  const bytes = secretBytes(secret)
  const slots = await readSlots(store, repositoryId)
  const opened: { read: ReadSlot; bundle: Bundle }[] = []
  const damaged = slots.filter(({ slot }) => slot === undefined).map(({ name }) => name)
  const ofKind = slots.filter(({ slot }) => slot?.kind === secret.kind)
  for (const read of ofKind) {
    const slot = read.slot!
    const privateKey = openSlotKey(repositoryId, slot, bytes)
    if (privateKey === 'key') continue
    const bundle = privateKey === 'bytes' ? undefined : openBundle(repositoryId, slot, privateKey)
    if (bundle === undefined) damaged.push(read.name)
    else opened.push({ read, bundle })
  }
  if (opened.length === 0) throw noneOpened(store, secret, ofKind.length, damaged)
  return {
    bundles: opened.map(({ bundle }) => bundle),
    verify(records) {
      for (const { read, bundle } of opened) {
        const vouched = records.some(
          (record) => Buffer.compare(record.id, read.slot!.id) === 0 && record.epoch === bundle.epoch && read.digest.equals(record.digest),
        )
        if (!vouched)
          throw new KpipeError('KPIPE_DAMAGED', `the log of ${store.location} does not vouch for the key slot ${read.name}`, {
            object: read.name,
          })
      }
    },
  }
}

async function readSlots(store: Store, repositoryId: Uint8Array): Promise<ReadSlot[]> {
  const names: string[] = []
  for await (const { name } of store.list('keys/')) names.push(name)
  return mapLimit(names, 16, async (name) => {
    const bytes = (await store.read(name, { offset: 0, length: maxSlotBytes + 1 })) ?? new Uint8Array(0)
    const slot = parseSlot(bytes)
    const ours = slot !== undefined && Buffer.compare(slot.header.subarray(12, 28), repositoryId) === 0
    return { name, slot: ours ? slot : undefined, digest: createHash('sha256').update(bytes).digest() }
  })
}

function noneOpened(store: Store, secret: Secret, tried: number, damaged: readonly string[]): KpipeError {
  const what = secret.kind === 'key-file' ? `the key in ${secret.file}` : 'the recovery phrase'
  if (damaged.length > 0) {
    const text = `${what} opens no key slot of the repository at ${store.location}, and damaged are: ${damaged.join(', ')}`
    return new KpipeError('KPIPE_DAMAGED', text, { object: damaged[0], objects: damaged })
  }
  const count = tried === 0 ? 'it has no key slot of that kind' : `none of its ${tried} key slots of that kind opens`
  return new KpipeError('KPIPE_KEY_WRONG', `${what} does not open the repository at ${store.location}: ${count}`, {
    location: store.location,
  })
}
