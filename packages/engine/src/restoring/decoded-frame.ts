import {
  type CodecRecord,
  type CodecStage,
  type HashStage,
  KpipeError,
  type SealedStream,
  tagBytes,
  type TargetFile,
} from '../contracts/index.ts'
import { giveBack } from '../give-back.ts'
import type { LoadedStage } from '../stages/index.ts'
import type { StageReference, WriteRuns } from '../workers/messages.ts'
import { stageReference } from '../workers/stage-reference.ts'
import { receivedSystemError } from '../workers/system-error.ts'
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

/** A file for the chunks, in which one thread writes at a time. */
export interface SharedFile extends TargetFile {
  readonly turn: Int32Array<SharedArrayBuffer>
}

export function sharedFile(file: TargetFile): SharedFile {
  return { fd: file.fd, written: file.written, failed: file.failed, turn: new Int32Array(new SharedArrayBuffer(4)) }
}

/**
 * Reads one frame, undoes its codecs on a worker, and checks the tags of the chunks that are wanted. `chunks` are
 * indexes of the stream's chunks that lie in this frame, ascending.
 * @throws KpipeError KPIPE_OBJECT_MISSING, KPIPE_DAMAGED
 */
export async function decodeFrame(decoder: FrameDecoder, frame: number, chunks: Uint32Array): Promise<DecodedFrame> {
  const { stream } = decoder
  const { stored, task, readSeconds } = await loadFrame(decoder, frame)
  const { slots, tags, offsets } = wantedOf(stream, chunks, stored.ends)
  const wanted = { hash: stageReference(decoder.hash), tagKey: stream.tagKey, wanted: slots, tags }
  const { bytes, seconds } = await decoder.workers.decode({ ...task, ...wanted })
  giveBack(slots)
  giveBack(tags)
  return { chunks, offsets, bytes, seconds: { ...seconds, read: readSeconds } }
}

/**
 * Has a worker write chunks of a frame to a file, without a look at their tags: frames are authenticated, and the digest of the whole
 * stream is compared with what the file then holds.
 * @throws KpipeError KPIPE_OBJECT_MISSING, KPIPE_DAMAGED; what the file says of a write that failed
 */
export async function writeFrame(
  decoder: FrameDecoder,
  frame: number,
  chunks: Uint32Array,
  file: SharedFile,
): Promise<{ readonly seconds: Readonly<Record<string, number>> }> {
  const { stream } = decoder
  const { stored, task, readSeconds } = await loadFrame(decoder, frame)
  const runs = writeRunsOf(stream, chunks, beginsOf(stream, chunks, stored.ends))
  const decoding = decoder.workers.decode({ ...task, into: { fd: file.fd, runs, turn: file.turn } })
  const { seconds } = await decoding.catch((error: unknown) => {
    throw error instanceof KpipeError && error.code === 'KPIPE_TARGET_FAILED' ? file.failed(receivedSystemError(error)) : error
  })
  file.written(runs.lengths.reduce((sum, length) => sum + length, 0))
  return { seconds: { ...seconds, read: readSeconds } }
}

async function loadFrame({ stream, codec }: FrameDecoder, frame: number) {
  const began = performance.now()
  const stored = await stream.load(frame)
  const readSeconds = (performance.now() - began) / 1000
  const codecs: StageReference[] = await Promise.all(stored.codecs.map(async (record) => stageReference(await codec(record))))
  const task = {
    kind: 'decode' as const,
    codecs,
    secrets: stored.secrets,
    bytes: stored.bytes as Uint8Array<ArrayBuffer>,
    lengths: stored.lengths,
    ends: stored.ends,
    pageBytes: stored.pageBytes,
  }
  return { stored, task, readSeconds }
}

/** What can be written at once: neighbours in the stream that are neighbours in the frame too. @param offsets of the chunks in memory */
export function writeRunsOf(stream: SealedStream, chunks: Uint32Array, offsets: Uint32Array): WriteRuns {
  const positions: number[] = []
  const from: number[] = []
  const lengths: number[] = []
  for (let first = 0; first < chunks.length;) {
    const position = stream.starts(chunks[first]!)
    const offset = offsets[first]!
    let last = first + 1
    let length = stream.starts(chunks[first]! + 1) - position
    while (last < chunks.length && chunks[last] === chunks[last - 1]! + 1 && offsets[last] === offset + length) {
      length = stream.starts(chunks[last]! + 1) - position
      last++
    }
    positions.push(position)
    from.push(offset)
    lengths.push(length)
    first = last
  }
  return { positions: Float64Array.from(positions), offsets: Uint32Array.from(from), lengths: Uint32Array.from(lengths) }
}

/** Gives the memory back at once: the collector does not hurry for buffers outside its heap. Nothing may read the frame any more. */
export function freeDecoded({ bytes, offsets }: DecodedFrame): void {
  giveBack(bytes)
  giveBack(offsets)
}

/** The slots that chunks of the stream lie in, ascending, each once, with their tags; and for each chunk where it begins among them, in bytes. */
function wantedOf(
  stream: SealedStream,
  chunks: Uint32Array,
  ends: Uint32Array,
): { readonly slots: Uint32Array; readonly tags: Uint8Array; readonly offsets: Uint32Array } {
  const { slotOf, tags: allTags } = stream
  // A frame may hold a chunk once that the stream has several times.
  const isWanted = new Uint8Array(ends.length)
  for (const chunk of chunks) isWanted[demandSlot(stream, chunk, ends)] = 1
  const placeOf = new Uint32Array(ends.length)
  const begins = new Uint32Array(ends.length)
  const slots = new Uint32Array(ends.length)
  let [count, bytes] = [0, 0]
  for (let slot = 0; slot < ends.length; slot++) {
    if (isWanted[slot] === 0) continue
    slots[count] = slot
    placeOf[slot] = count++
    begins[slot] = bytes
    bytes += ends[slot]! - (slot === 0 ? 0 : ends[slot - 1]!)
  }
  const tags = new Uint8Array(count * tagBytes)
  const offsets = new Uint32Array(chunks.length)
  for (let index = 0; index < chunks.length; index++) {
    const chunk = chunks[index]!
    const slot = slotOf[chunk]!
    offsets[index] = begins[slot]!
    const [from, to] = [chunk * tagBytes, placeOf[slot]! * tagBytes]
    for (let byte = 0; byte < tagBytes; byte++) tags[to + byte] = allTags[from + byte]!
  }
  return { slots: slots.slice(0, count), tags, offsets }
}

/** Where chunks of the stream begin in their frame, in bytes. */
function beginsOf(stream: SealedStream, chunks: Uint32Array, ends: Uint32Array): Uint32Array {
  return chunks.map((chunk) => {
    const slot = demandSlot(stream, chunk, ends)
    return slot === 0 ? 0 : ends[slot - 1]!
  })
}

/** The slot of a chunk in its frame, which has it with the length that the stream says. @throws KpipeError KPIPE_DAMAGED */
function demandSlot(stream: SealedStream, chunk: number, ends: Uint32Array): number {
  const slot = stream.slotOf[chunk]!
  if (slot >= ends.length) throw new KpipeError('KPIPE_DAMAGED', `a frame has ${ends.length} chunks, and chunk ${slot} is wanted`)
  const length = ends[slot]! - (slot === 0 ? 0 : ends[slot - 1]!)
  if (length !== stream.starts(chunk + 1) - stream.starts(chunk)) {
    throw new KpipeError('KPIPE_DAMAGED', `chunk ${chunk} of the stream has ${length} bytes in its frame`)
  }
  return slot
}
