import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { StoredFrame } from '@kpipe/engine/contracts'
import { mapLimit } from '../map-limit.ts'
import type { DirectoryFrame } from '../packs/directory.ts'
import { damagedPack, readPackRange } from '../packs/read-directory.ts'
import type { Collection } from './collect.ts'
import type { FrameGatherer } from './frame-gatherer.ts'
import type { NewPacks } from './new-packs.ts'
import { liveSlots, storedBytesOf, wastedPlainBytes } from './open-pack.ts'
import type { OpenPack } from './open-pack.ts'

const framesAtOnce = 4
const tagBytes = 16
/** Frames below are joined with others: they compress better together. */
const smallFrameBytes = 2 ** 20

/** Whether a frame can be moved as it is: all of it is needed, its keys are the newest, and no newest snapshot decodes most of it for nothing. */
export function isMovable(old: OpenPack, frame: DirectoryFrame, epoch: number, canRecode: boolean): boolean {
  const isWhole = liveSlots(old, frame).length === frame.ends.length
  if (!isWhole || frame.kind.epoch !== epoch) return false
  return !canRecode || (frame.lengths[0] >= smallFrameBytes && wastedPlainBytes(old, frame) === 0)
}

/**
 * Writes the chunks of an old pack that are needed into the one that is being filled: whole frames as they are, the others by way
 * of `gatherer`. Every byte is compared with its digest or its tag before.
 * @throws KpipeError KPIPE_OBJECT_MISSING, KPIPE_DAMAGED, KPIPE_STAGE_*
 */
export async function moveChunks(
  collection: Collection,
  old: OpenPack,
  into: NewPacks,
  gatherer: FrameGatherer | undefined,
  epoch: number,
): Promise<void> {
  const { recode } = collection.options
  const needed = old.directory.frames.filter((frame) => liveSlots(old, frame).length > 0)
  for (let first = 0; first < needed.length; first += framesAtOnce) {
    collection.options.signal?.throwIfAborted()
    const slice = needed.slice(first, first + framesAtOnce)
    const read = await mapLimit(slice, framesAtOnce, async (frame) => {
      const bytes = await readFrame(collection, old, frame)
      if (isMovable(old, frame, epoch, recode !== undefined)) return { frame, bytes, chunks: undefined }
      const slots = liveSlots(old, frame)
      return { frame, bytes: undefined, chunks: await recode!.decode(stored(collection, frame, bytes), slots, tagsOf(old, frame, slots)) }
    })
    for (const { frame, bytes, chunks } of read) {
      if (bytes === undefined) await gather(old, frame, chunks, gatherer!)
      else into.add(bytes, { ...frame, tags: tagsOf(old, frame, liveSlots(old, frame)) })
    }
  }
}

async function gather(old: OpenPack, frame: DirectoryFrame, chunks: Uint8Array, gatherer: FrameGatherer): Promise<void> {
  const slots = liveSlots(old, frame)
  const lengths = slots.map((slot) => frame.ends[slot] - (slot === 0 ? 0 : frame.ends[slot - 1]))
  assert.equal(
    lengths.reduce((sum, length) => sum + length, 0),
    chunks.length,
    'a decoded frame has the chunks that were asked for',
  )
  const lines = slots.map((slot) => old.lines[frame.firstChunk + slot])
  const storedBytes = (storedBytesOf(frame) * chunks.length) / frame.lengths[0]
  await gatherer.add(frame.kind, chunks, { lengths, lines, tags: tagsOf(old, frame, slots), storedBytes })
}

async function readFrame({ store }: Collection, { pack }: OpenPack, frame: DirectoryFrame): Promise<Uint8Array> {
  const bytes = await readPackRange(store, pack.id, { offset: frame.offset, length: storedBytesOf(frame) }, 'the collection')
  if (Buffer.compare(createHash('sha256').update(bytes).digest().subarray(0, 16), frame.digest) !== 0)
    throw damagedPack(pack.id, 'the collection', `the frame at byte ${frame.offset} is not the one that was stored`)
  return bytes
}

function stored({ secrets }: Collection, { kind, lengths, ends }: DirectoryFrame, bytes: Uint8Array): StoredFrame {
  const { codecs, epoch, pageBytes } = kind
  return { bytes, codecs, secrets: secrets(codecs, epoch), lengths, ends, pageBytes }
}

/** 16 bytes for each of these chunks of a frame. */
function tagsOf({ tags }: OpenPack, { firstChunk }: DirectoryFrame, slots: Uint32Array): Uint8Array {
  const own = new Uint8Array(slots.length * tagBytes)
  slots.forEach((slot, index) => {
    const at = (firstChunk + slot) * tagBytes
    own.set(tags.subarray(at, at + tagBytes), index * tagBytes)
  })
  return own
}
