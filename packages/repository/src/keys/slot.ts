import { createHash, randomBytes } from 'node:crypto'
import type { Store } from '@kpipe/engine/contracts'
import { headerStart, magics, u32 } from '../format.ts'
import { deriveKey, openUnit, sealUnit, unitOverheadBytes } from '../sealed-unit.ts'
import type { Bundle } from './key-ring.ts'
import { publicKeyOf, sharedSecret } from './x25519.ts'

/** Values of the kind byte. */
export const slotKinds = { 'key-file': 1, 'recovery-phrase': 2, password: 3 } as const
export type SlotKind = keyof typeof slotKinds

export const maxSlotBytes = 4096
const bundleBytes = 4 + 4 + 32 + 32 + 64
const boxBytes = 32 + unitOverheadBytes

/** The lasting half of a slot: one secret, one X25519 pair. */
export interface SlotKey {
  /** 8 random bytes. */
  readonly id: Uint8Array
  readonly kind: SlotKind
  readonly parameters: Uint8Array
  readonly publicKey: Uint8Array
  /** The private key, sealed under the secret. */
  readonly box: Uint8Array
}

export interface ParsedSlot extends SlotKey {
  readonly epoch: number
  readonly ephemeral: Uint8Array
  readonly bundle: Uint8Array
  /** All bytes before the bundle: what it is bound to. */
  readonly header: Buffer
}

export const slotNamePattern = /^keys\/[0-9a-f]{16}\/\d{10}$/

export function slotName(id: Uint8Array, epoch: number): string {
  return `keys/${Buffer.from(id).toString('hex')}/${String(epoch).padStart(10, '0')}`
}

/** SHA-256 of a slot object, by which the log vouches for it. */
export function slotDigest(object: Uint8Array): Buffer {
  return createHash('sha256').update(object).digest()
}

/** An object under the name of a slot, and what it is when it is whole. */
export interface ReadSlot {
  readonly name: string
  readonly slot: ParsedSlot | undefined
  readonly digest: Buffer
}

/** Undefined when there is no such object. */
export async function readSlot(store: Store, repositoryId: Uint8Array, name: string): Promise<ReadSlot | undefined> {
  const bytes = await store.read(name, { offset: 0, length: maxSlotBytes + 1 })
  if (bytes === undefined) return undefined
  const slot = parseSlot(bytes)
  const whole = slot !== undefined && slotName(slot.id, slot.epoch) === name && slot.header.subarray(12, 28).equals(repositoryId)
  return { name, slot: whole ? slot : undefined, digest: slotDigest(bytes) }
}

/** A new pair whose private key only `secret` (32 bytes, of these parameters) opens. */
export function newSlotKey(
  repositoryId: Uint8Array,
  kind: SlotKind,
  secret: Uint8Array,
  parameters: Uint8Array = new Uint8Array(0),
): SlotKey {
  const privateKey = randomBytes(32)
  const key = { id: randomBytes(8), kind, parameters, publicKey: publicKeyOf(privateKey) }
  return { ...key, box: sealUnit(boxKey(repositoryId, kind, secret), boxHeader(repositoryId, key), [privateKey]) }
}

/** The slot object of one epoch: the bundle sealed to the slot's public key. Needs no secret. */
export function encodeSlot(repositoryId: Uint8Array, slot: SlotKey, bundle: Bundle): Buffer {
  const ephemeral = randomBytes(32)
  const fixed = Buffer.alloc(4)
  fixed[0] = slotKinds[slot.kind]
  fixed.writeUInt16LE(slot.parameters.length, 2)
  const ephemeralPublic = publicKeyOf(ephemeral)
  const header = Buffer.concat([
    headerStart(magics.slot),
    repositoryId,
    slot.id,
    u32(bundle.epoch),
    fixed,
    slot.parameters,
    slot.publicKey,
    slot.box,
    ephemeralPublic,
  ])
  const key = bundleKey(repositoryId, sharedSecret(ephemeral, slot.publicKey), ephemeralPublic, slot.publicKey)
  const sealed = sealUnit(key, header, [u32(bundle.epoch), u32(7), bundle.m, bundle.d, bundle.tagKey])
  const body = Buffer.concat([header, u32(sealed.length), sealed])
  return Buffer.concat([body, createHash('sha256').update(body).digest()])
}

/** Undefined when the bytes are not those that were written (length, digest, magic, version). */
export function parseSlot(bytes: Uint8Array): ParsedSlot | undefined {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  if (view.length < 12 + 16 + 8 + 4 + 4 + 32 + boxBytes + 32 + 4 + 32 || view.length > maxSlotBytes) return undefined
  const body = view.subarray(0, -32)
  if (!createHash('sha256').update(body).digest().equals(view.subarray(-32))) return undefined
  if (!headerStart(magics.slot).equals(body.subarray(0, 12))) return undefined
  const kind = (Object.keys(slotKinds) as SlotKind[]).find((name) => slotKinds[name] === body[40])
  const parametersEnd = 44 + body.readUInt16LE(42)
  const headerBytes = parametersEnd + 32 + boxBytes + 32
  if (kind === undefined || headerBytes + 4 > body.length || headerBytes + 4 + body.readUInt32LE(headerBytes) !== body.length)
    return undefined
  return {
    id: body.subarray(28, 36),
    epoch: body.readUInt32LE(36),
    kind,
    parameters: body.subarray(44, parametersEnd),
    publicKey: body.subarray(parametersEnd, parametersEnd + 32),
    box: body.subarray(parametersEnd + 32, parametersEnd + 32 + boxBytes),
    ephemeral: body.subarray(headerBytes - 32, headerBytes),
    header: body.subarray(0, headerBytes),
    bundle: body.subarray(headerBytes + 4),
  }
}

/** The private key, or why not: `key` is another secret. */
export function openSlotKey(repositoryId: Uint8Array, slot: SlotKey, secret: Uint8Array): Buffer | 'key' | 'bytes' {
  const privateKey = openUnit(boxKey(repositoryId, slot.kind, secret), boxHeader(repositoryId, slot), slot.box)
  if (typeof privateKey === 'string') return privateKey
  return privateKey.length === 32 && publicKeyOf(privateKey).equals(slot.publicKey) ? privateKey : 'bytes'
}

/** The secrets of the slot's epoch; undefined when the bundle was not sealed to this slot. */
export function openBundle(repositoryId: Uint8Array, slot: ParsedSlot, privateKey: Uint8Array): Bundle | undefined {
  const shared = sharedOrNone(privateKey, slot.ephemeral)
  if (shared === undefined) return undefined
  const key = bundleKey(repositoryId, shared, slot.ephemeral, slot.publicKey)
  const plain = openUnit(key, slot.header, slot.bundle)
  if (typeof plain === 'string' || plain.length !== bundleBytes || plain.readUInt32LE(0) !== slot.epoch) return undefined
  return { epoch: slot.epoch, m: plain.subarray(8, 40), d: plain.subarray(40, 72), tagKey: plain.subarray(72) }
}

/** Undefined for a public key of small order: nobody makes one who wants the slot to be opened. */
function sharedOrNone(privateKey: Uint8Array, publicKey: Uint8Array): Buffer | undefined {
  try {
    return sharedSecret(privateKey, publicKey)
  } catch {
    return undefined
  }
}

function boxKey(repositoryId: Uint8Array, kind: SlotKind, secret: Uint8Array): Buffer {
  return deriveKey(secret, repositoryId, `kpipe/1/slot/${kind}`)
}

/** Has no epoch: the box of a slot stays as it is when the keys are rotated. */
function boxHeader(repositoryId: Uint8Array, slot: Omit<SlotKey, 'box'>): Buffer {
  return Buffer.concat([
    Buffer.from('kpipe/slot\0'),
    repositoryId,
    slot.id,
    Buffer.of(slotKinds[slot.kind]),
    u32(slot.parameters.length),
    slot.parameters,
    slot.publicKey,
  ])
}

function bundleKey(repositoryId: Uint8Array, shared: Uint8Array, ephemeral: Uint8Array, publicKey: Uint8Array): Buffer {
  return deriveKey(shared, repositoryId, Buffer.concat([Buffer.from('kpipe/1/bundle\0'), ephemeral, publicKey]))
}
