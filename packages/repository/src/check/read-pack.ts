import { createHash } from 'node:crypto'
import type { CodecRecord, CodecSecrets, Store, StoredFrame } from '@kpipe/engine/contracts'
import { hexTag } from '../damage/placed-recipes.ts'
import type { KeyRing } from '../keys/key-ring.ts'
import type { PackRecord } from '../log/state.ts'
import { mapLimit } from '../map-limit.ts'
import { prefixBytes } from '../packs/directory.ts'
import type { DirectoryFrame } from '../packs/directory.ts'
import { packName } from '../packs/pack-name.ts'
import { openUnitFrame, unitTag } from '../packs/unit-frame.ts'
import { unitOverheadBytes } from '../sealed-unit.ts'
import { DamageList } from './damage.ts'
import type { Findings } from './findings.ts'
import type { OpenedPack } from './wanted-tags.ts'

const framesAtOnce = 4
const tagBytes = 16

/**
 * Undoes the codecs of a frame and compares the tags of some of its chunks. The frame's bytes may be moved to another thread.
 * @param slots chunks of the frame, ascending
 * @param tags 16 bytes for each of them
 * @throws KpipeError KPIPE_DAMAGED
 */
export type ProveFrame = (frame: StoredFrame, slots: Uint32Array, tags: Uint8Array) => Promise<void>

export interface PackReading {
  readonly store: Store
  readonly ring: KeyRing
  readonly secrets: (codecs: readonly CodecRecord[], epoch: number) => CodecSecrets
  readonly prove: ProveFrame
}

/** Reads a whole pack: its digest, and every frame. Resolves with whether all of it is as it was stored. */
export async function readPack(reading: PackReading, opened: OpenedPack, findings: Findings): Promise<boolean> {
  const { pack, directory } = opened
  const bytes = await reading.store.read(packName(pack.id), { offset: 0, length: pack.bytes + 1 })
  if (bytes?.length !== pack.bytes) {
    findings.addGone(pack, 'it went or changed while it was checked')
    return false
  }
  let broken = 0
  await mapLimit(directory.frames, framesAtOnce, async (frame) => {
    const problem = await frameProblem(reading, opened, frame, bytes)
    if (problem === undefined) return
    broken += 1
    const text = `the frame at byte ${frame.offset} ${problem}`
    if (frame.kind.key === 'unit') findings.addUnit(pack, text, frame.offset)
    else findings.addFrame(pack, text, namedTags(opened, frame))
  })
  if (broken > 0) return false
  if (createHash('sha256').update(bytes).digest().equals(pack.sha256)) return true
  findings.addBeside(pack, 'bytes beside its frames are not those that were stored')
  return false
}

/** Whether its bytes are those that were stored, whatever they mean. */
export async function isAsStored(store: Store, pack: PackRecord): Promise<boolean> {
  const bytes = await store.read(packName(pack.id), { offset: 0, length: pack.bytes + 1 })
  return bytes?.length === pack.bytes && createHash('sha256').update(bytes).digest().equals(pack.sha256)
}

/** In hex: tags that snapshots name of the chunks of a frame. */
function* namedTags({ named, tags }: OpenedPack, { firstChunk, ends }: DirectoryFrame): Generator<string> {
  for (let chunk = firstChunk; chunk < firstChunk + ends.length; chunk++) if (named[chunk] === 1) yield hexTag(tags, chunk)
}

async function frameProblem(
  reading: PackReading,
  opened: OpenedPack,
  frame: DirectoryFrame,
  pack: Uint8Array,
): Promise<string | undefined> {
  const isUnit = frame.kind.key === 'unit'
  const storedBytes = isUnit ? frame.lengths[0] + unitOverheadBytes : frame.lengths.at(-1)!
  const bytes = pack.slice(frame.offset, frame.offset + storedBytes)
  if (bytes.length !== storedBytes || Buffer.compare(createHash('sha256').update(bytes).digest().subarray(0, 16), frame.digest) !== 0)
    return 'is not the one that was stored'
  if (isUnit) return unitProblem(reading.ring, opened, frame, bytes)
  const slots = Uint32Array.from(frame.ends.keys()).filter((slot) => opened.named[frame.firstChunk + slot] === 1)
  const tags = new Uint8Array(slots.length * tagBytes)
  slots.forEach((slot, index) => {
    const at = (frame.firstChunk + slot) * tagBytes
    tags.set(opened.tags.subarray(at, at + tagBytes), index * tagBytes)
  })
  const { codecs, epoch, pageBytes } = frame.kind
  const stored = { bytes, codecs, secrets: reading.secrets(codecs, epoch), lengths: frame.lengths, ends: frame.ends, pageBytes }
  const damage = new DamageList()
  await damage.noting('', [], () => reading.prove(stored, slots, tags))
  const [first] = damage.all()
  return first && `cannot be used: ${first.problem}`
}

/** Frames of class M are opened here: one chunk, sealed by the repository itself. */
function unitProblem(
  ring: KeyRing,
  { directory }: OpenedPack,
  { kind, firstChunk }: DirectoryFrame,
  bytes: Uint8Array,
): string | undefined {
  const plain = openUnitFrame(ring, kind.epoch, bytes)
  if (plain === undefined) return 'does not open'
  const listed = directory.prefixes.subarray(firstChunk * prefixBytes, (firstChunk + 1) * prefixBytes)
  return unitTag(ring, plain).subarray(0, prefixBytes).equals(listed) ? undefined : 'has another tag than its directory lists'
}
