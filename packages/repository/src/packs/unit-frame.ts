import { createHash } from 'node:crypto'
import { u32 } from '../format.ts'
import type { KeyRing } from '../keys/key-ring.ts'
import { openUnit, sealUnit, unitOverheadBytes } from '../sealed-unit.ts'
import { frameBinding } from './frame-binding.ts'
import type { FrameKind, ListedFrame } from './directory.ts'

/** Frames of class M hold one chunk each, as a sealed unit under the key `recipe`. */
export interface UnitFrame {
  readonly bytes: Buffer
  readonly listed: Omit<ListedFrame, 'offset'>
}

/** Named like a chunk of a stream when tags are SHA-256: first 16 bytes of SHA-256(tag key | bytes), whatever the tag algorithm is. */
export function unitTag(ring: KeyRing, plain: Uint8Array): Buffer {
  return createHash('sha256').update(ring.tagKey).update(plain).digest().subarray(0, 16)
}

export function sealUnitFrame(ring: KeyRing, kind: FrameKind, plain: Uint8Array, tag: Uint8Array): UnitFrame {
  const bytes = sealUnit(ring.workingKey(kind.epoch, 'recipe'), header(ring, kind.epoch, plain.length), [plain])
  const digest = createHash('sha256').update(bytes).digest().subarray(0, 16)
  return { bytes, listed: { kind, lengths: [plain.length], digest, tags: tag, ends: Uint32Array.of(plain.length) } }
}

/** Undefined when the bytes are not a unit frame of that epoch. */
export function openUnitFrame(ring: KeyRing, epoch: number, bytes: Uint8Array): Buffer | undefined {
  if (bytes.length < unitOverheadBytes || !ring.knows(epoch)) return undefined
  const plain = openUnit(ring.workingKey(epoch, 'recipe'), header(ring, epoch, bytes.length - unitOverheadBytes), bytes)
  return typeof plain === 'string' ? undefined : plain
}

function header(ring: KeyRing, epoch: number, plainBytes: number): Buffer {
  return Buffer.concat([frameBinding(ring.repositoryId, 'M', epoch, []), u32(plainBytes), u32(plainBytes)])
}
