import { createHash } from 'node:crypto'
import type { KeyRing } from '../keys/key-ring.ts'
import type { FrameKind } from '../packs/directory.ts'
import { damagedPack, readPackRange } from '../packs/read-directory.ts'
import { openUnitFrame, sealUnitFrame, unitTag } from '../packs/unit-frame.ts'
import type { Collection } from './collect.ts'
import type { NewPacks } from './new-packs.ts'
import { liveSlots, storedBytesOf } from './open-pack.ts'
import type { OpenPack } from './open-pack.ts'

const tagBytes = 16

/**
 * Writes the units of an old pack that are needed into the one that is being filled: as they are, or sealed under newer keys.
 * @throws KpipeError KPIPE_OBJECT_MISSING, KPIPE_DAMAGED
 */
export async function moveUnits({ store, ring }: Collection, old: OpenPack, into: NewPacks, epoch: number): Promise<void> {
  const kind: FrameKind = { epoch, codecs: [], key: 'unit', pageBytes: 0 }
  const id = old.pack.id
  for (const frame of old.directory.frames) {
    if (liveSlots(old, frame).length === 0) continue
    const bytes = await readPackRange(store, id, { offset: frame.offset, length: storedBytesOf(frame) }, 'the collection')
    const tag = old.tags.slice(frame.firstChunk * tagBytes, (frame.firstChunk + 1) * tagBytes)
    const plain = demandUnit(ring, frame.kind.epoch, bytes, tag, id)
    if (frame.kind.epoch === epoch) {
      const digest = createHash('sha256').update(bytes).digest().subarray(0, 16)
      into.add(bytes, { kind, lengths: [plain.length], digest, tags: tag, ends: Uint32Array.of(plain.length) })
    } else {
      const sealed = sealUnitFrame(ring, kind, plain, tag)
      into.add(sealed.bytes, sealed.listed)
    }
  }
}

function demandUnit(ring: KeyRing, epoch: number, bytes: Uint8Array, tag: Uint8Array, pack: string): Buffer {
  const plain = openUnitFrame(ring, epoch, bytes)
  if (plain === undefined || !unitTag(ring, plain).equals(tag))
    throw damagedPack(pack, 'the collection', 'a recipe part in it does not open')
  return plain
}
