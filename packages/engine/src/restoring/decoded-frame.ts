import { type CodecRecord, type CodecStage, type HashStage, KpipeError, type SealedStream, tagBytes } from '../contracts/index.ts'
import type { LoadedStage } from '../stages/index.ts'
import type { StageReference } from '../workers/messages.ts'
import { stageReference } from '../workers/stage-reference.ts'
import type { Workers } from '../workers/workers.ts'

/** What turns stored frames back into chunks. */
export interface FrameDecoder {
  readonly stream: SealedStream
  readonly hash: LoadedStage<HashStage>
  /** Finds the stage that a snapshot names. @throws KpipeError KPIPE_STAGE_MISSING */
  codec(record: CodecRecord): Promise<LoadedStage<CodecStage>>
  readonly workers: Workers
}

export interface DecodedFrame {
  /** Places of the chunks, ascending, with where each begins in `bytes`. */
  readonly chunks: Uint32Array
  readonly offsets: Uint32Array
  /** The wanted chunks, checked against their tags. */
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly seconds: Readonly<Record<string, number>>
}

/**
 * Reads one frame, undoes its codecs on a worker, and checks the tags of the chunks that are wanted. `chunks` are
 * indexes of the stream's chunks that lie in this frame, ascending.
 * @throws KpipeError KPIPE_OBJECT_MISSING, KPIPE_DAMAGED
 */
export async function decodeFrame(decoder: FrameDecoder, frame: number, chunks: Uint32Array): Promise<DecodedFrame> {
  const { stream } = decoder
  const began = performance.now()
  const stored = await stream.load(frame)
  const readSeconds = (performance.now() - began) / 1000
  // A frame may hold a chunk once that the stream has several times; the worker wants each slot once, ascending.
  const slots = Uint32Array.from(new Set(Array.from(chunks, (chunk) => stream.slotOf[chunk]!))).toSorted()
  const places = new Map<number, number>()
  const tags = new Uint8Array(slots.length * tagBytes)
  let at = 0
  for (let index = 0; index < slots.length; index++) {
    const slot = slots[index]!
    if (slot >= stored.ends.length)
      throw new KpipeError('KPIPE_DAMAGED', `a frame has ${stored.ends.length} chunks, and chunk ${slot} is wanted`)
    places.set(slot, at)
    at += stored.ends[slot]! - (slot === 0 ? 0 : stored.ends[slot - 1]!)
  }
  const offsets = new Uint32Array(chunks.length)
  const order = new Map(Array.from(slots, (slot, index) => [slot, index]))
  for (let index = 0; index < chunks.length; index++) {
    const chunk = chunks[index]!
    const slot = stream.slotOf[chunk]!
    const length = stored.ends[slot]! - (slot === 0 ? 0 : stored.ends[slot - 1]!)
    if (length !== stream.starts(chunk + 1) - stream.starts(chunk)) {
      throw new KpipeError('KPIPE_DAMAGED', `chunk ${chunk} of the stream has ${length} bytes in its frame`)
    }
    offsets[index] = places.get(slot)!
    tags.set(stream.tags.subarray(chunk * tagBytes, (chunk + 1) * tagBytes), order.get(slot)! * tagBytes)
  }
  const codecs: StageReference[] = await Promise.all(stored.codecs.map(async (record) => stageReference(await decoder.codec(record))))
  const { bytes, seconds } = await decoder.workers.decode({
    kind: 'decode',
    codecs,
    secrets: stored.secrets,
    bytes: stored.bytes as Uint8Array<ArrayBuffer>,
    lengths: stored.lengths,
    ends: stored.ends,
    pageBytes: stored.pageBytes,
    hash: stageReference(decoder.hash),
    tagKey: stream.tagKey,
    wanted: slots,
    tags,
  })
  return { chunks, offsets, bytes, seconds: { ...seconds, read: readSeconds } }
}

/** Gives the memory back at once: the collector does not hurry for buffers outside its heap. Nothing may read the frame any more. */
export function freeDecoded({ bytes }: DecodedFrame): void {
  bytes.buffer.transfer(0)
}
