import { promisify } from 'node:util'
import { constants, zstdCompress, zstdDecompress } from 'node:zlib'
import { headerStart, magics, u32 } from '../format.ts'
import type { KeyRing } from '../keys/key-ring.ts'
import type { Entry } from '../log/entry.ts'
import type { Genesis } from '../log/payload.ts'
import type { LogState } from '../log/state.ts'
import { decode, encode } from '../msgpack.ts'
import { padme } from '../padme.ts'
import { openUnit, sealUnit, unitOverheadBytes } from '../sealed-unit.ts'
import { bin, isMapOf } from '../shape.ts'
import { demand } from './columns.ts'
import { decodeState, encodeState } from './state-columns.ts'

/** Of what a checkpoint holds, unpacked: a larger one is neither written nor read. */
export const maxCheckpointBytes = 2 ** 28
export const checkpointPrefix = 'checkpoint/'
const headerBytes = 72
const lengthsBytes = 8
const level = { params: { [constants.ZSTD_c_compressionLevel]: 3 } }

export function checkpointName(n: number): string {
  return checkpointPrefix + String(n).padStart(20, '0')
}

/** Epoch of the keys that sealed it, as the clear header says; undefined when it has none. */
export function checkpointEpoch(bytes: Uint8Array): number | undefined {
  return bytes.length < headerBytes ? undefined : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).readUInt32LE(20)
}

/** The state without what a reader takes from entry 0 and from the name, in one msgpack; equal states have equal bytes. */
export function checkpointContent(genesis: Uint8Array, state: LogState): Buffer {
  return encode({ genesis, ...encodeState(state) })
}

/**
 * A state from which readers begin instead of from entry 0. Its size is on a Padmé step.
 * @param genesis SHA-256 of entry 0
 * @param state without lost entries and later kinds
 * @throws RangeError when it is larger than readers take
 */
export async function encodeCheckpoint(ring: KeyRing, genesis: Uint8Array, state: LogState): Promise<Buffer> {
  const { n, digest } = state.head
  const start = Buffer.alloc(12)
  start.writeBigUInt64LE(BigInt(n))
  start.writeUInt32LE(state.epoch, 8)
  const header = Buffer.concat([headerStart(magics.checkpoint), start, ring.repositoryId, digest])
  const content = checkpointContent(genesis, state)
  demand(content.length <= maxCheckpointBytes, 'the state is too large for a checkpoint')
  const packed = await promisify(zstdCompress)(content, level)
  const bytes = headerBytes + unitOverheadBytes + lengthsBytes + packed.length
  const padding = Buffer.alloc(padme(bytes) - bytes)
  const key = ring.workingKey(state.epoch, 'checkpoint')
  return Buffer.concat([header, sealUnit(key, header, [u32(packed.length), u32(content.length), packed, padding])])
}

/** The state after entry n, or undefined when the bytes are not that. That the entry itself is this one, and that the keys are the right ones, is the caller's to know. */
export async function openCheckpoint(
  ring: KeyRing,
  n: number,
  bytes: Uint8Array,
  genesis: Entry & { readonly payload: Genesis },
): Promise<LogState | undefined> {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  if (view.length < headerBytes + unitOverheadBytes || !headerStart(magics.checkpoint).equals(view.subarray(0, 12))) return undefined
  if (view.readBigUInt64LE(12) !== BigInt(n) || !view.subarray(24, 40).equals(ring.repositoryId)) return undefined
  const epoch = view.readUInt32LE(20)
  if (!ring.knows(epoch)) return undefined
  const plain = openUnit(ring.workingKey(epoch, 'checkpoint'), view.subarray(0, headerBytes), view.subarray(headerBytes))
  if (typeof plain === 'string') return undefined
  try {
    const content = decode(await unpacked(plain))
    demand(isContent(content) && Buffer.compare(genesis.digest, (content as { genesis: Uint8Array }).genesis) === 0, 'it is of another log')
    const state = decodeState(content, genesis.payload, { n, digest: Buffer.from(view.subarray(40, headerBytes)) })
    return state.epoch === epoch ? state : undefined
  } catch (error) {
    if (error instanceof RangeError) return undefined // Of another version, or of a writer with a fault.
    throw error
  }
}

const isContent = isMapOf({ genesis: bin(32) })

async function unpacked(plain: Buffer): Promise<Buffer> {
  const [packedBytes, bytes] = [plain.readUInt32LE(0), plain.readUInt32LE(4)]
  demand(bytes <= maxCheckpointBytes && lengthsBytes + packedBytes <= plain.length, 'its lengths do not fit')
  const packed = plain.subarray(lengthsBytes, lengthsBytes + packedBytes)
  const content = await promisify(zstdDecompress)(packed, { maxOutputLength: bytes, chunkSize: Math.max(bytes, 64) }).catch(() => undefined)
  demand(content?.length === bytes, 'it does not unpack')
  return content
}
