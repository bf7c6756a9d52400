import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { maxEntryBytes } from '../bounds.ts'
import { headerStart, magics } from '../format.ts'
import type { KeyRing } from '../keys/key-ring.ts'
import { decode, encode } from '../msgpack.ts'
import { padme } from '../padme.ts'
import { openUnit, sealUnit, unitOverheadBytes } from '../sealed-unit.ts'
import { isPayload } from './payload-shape.ts'
import type { Payload } from './payload.ts'

export const logPrefix = 'log/'
const headerBytes = 72

/** Magic, format, draft 12 | n u64 | epoch u32 | repository id 16 | SHA-256 of entry n-1 32. In clear, and bound. */
export interface EntryHeader {
  readonly n: number
  readonly epoch: number
  /** 32 bytes, zeros for entry 0. */
  readonly previous: Uint8Array
}

export interface Entry extends EntryHeader {
  readonly payload: Payload
  /** SHA-256 of the entry's stored bytes. */
  readonly digest: Uint8Array
}

/** An object of the log whose bytes are not what was sealed, or that is missing. */
export interface LostEntry {
  readonly n: number
  readonly digest: Uint8Array | undefined
  readonly reason: string
}

export function entryName(n: number): string {
  return logPrefix + String(n).padStart(20, '0')
}

export function entryDigest(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest()
}

/** The stored bytes; their number is on a Padmé step. */
export function encodeEntry(ring: KeyRing, { n, epoch, previous }: EntryHeader, payload: Payload): Buffer {
  const start = Buffer.alloc(12)
  start.writeBigUInt64LE(BigInt(n))
  start.writeUInt32LE(epoch, 8)
  const header = Buffer.concat([headerStart(magics.entry), start, ring.repositoryId, previous])
  const body = encode(payload)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(body.length)
  const bytes = headerBytes + unitOverheadBytes + 4 + body.length
  assert(padme(bytes) <= maxEntryBytes, `a log entry of ${bytes} bytes, which no reader takes`)
  const unit = sealUnit(ring.workingKey(epoch, 'log'), header, [length, body, Buffer.alloc(padme(bytes) - bytes)])
  return Buffer.concat([header, unit])
}

/** What the header says, which a damaged one says of any epoch; undefined when it has none. */
export function entryEpoch(bytes: Uint8Array): number | undefined {
  return bytes.length < headerBytes ? undefined : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).readUInt32LE(20)
}

/** Entry n of this repository, or why it is not. */
export function openEntry(ring: KeyRing, n: number, bytes: Uint8Array): Entry | LostEntry {
  const digest = entryDigest(bytes)
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const lost = (reason: string): LostEntry => ({ n, digest, reason })
  if (view.length < headerBytes + unitOverheadBytes || !headerStart(magics.entry).equals(view.subarray(0, 12)))
    return lost('it is not a log entry')
  if (view.readBigUInt64LE(12) !== BigInt(n) || !view.subarray(24, 40).equals(ring.repositoryId)) return lost('it is another entry')
  const epoch = view.readUInt32LE(20)
  const header = view.subarray(0, headerBytes)
  const plain = ring.knows(epoch) ? openUnit(ring.workingKey(epoch, 'log'), header, view.subarray(headerBytes)) : 'key'
  if (typeof plain === 'string') return lost('it does not open')
  const payload = payloadIn(plain)
  if (payload === undefined) return lost('what it holds is not of this format')
  return { n, epoch, previous: Buffer.from(view.subarray(40, headerBytes)), payload, digest }
}

/** Authenticated bytes may be of a later draft. */
function payloadIn(plain: Buffer): Payload | undefined {
  try {
    const payload = decode(plain.subarray(4, 4 + plain.readUInt32LE(0)))
    return isPayload(payload) ? payload : undefined
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}
