import { createHash } from 'node:crypto'
import {
  type CodecRecord,
  type CodecStage,
  type HashStage,
  KpipeError,
  type PositionedTarget,
  type SealedStream,
  type Target,
} from '../contracts/index.ts'
import { Interruption } from '../loop/interruption.ts'
import { StageSeconds } from '../loop/stage-seconds.ts'
import type { LoadedStage } from '../stages/index.ts'
import type { Workers } from '../workers/workers.ts'
import { BackReader } from './back-reader.ts'
import { type DecodedFrame, decodeFrame, freeDecoded, sharedFile, writeFrame, writeRunsOf } from './decoded-frame.ts'
import { type FrameIndex, frameIndex } from './frame-index.ts'
import { defaultCacheBytes, readInOrder } from './in-order.ts'

export interface RestoreOptions {
  readonly stream: SealedStream
  readonly target: Target
  readonly hash: LoadedStage<HashStage>
  /** Finds the stage that a snapshot names. */
  readonly codec: (record: CodecRecord) => Promise<LoadedStage<CodecStage>>
  readonly workers: Workers
  readonly signal: AbortSignal
  readonly onProgress?: (progress: { readonly bytes: number; readonly totalBytes: number }) => void
  /** Memory for decoded chunks that wait for their turn, when the target takes bytes in order only. */
  readonly restoreCacheBytes?: number
}

export interface RestoreReport {
  readonly bytes: number
  readonly seconds: Readonly<Record<string, number>>
}

/**
 * Puts a stream together again. Every chunk's tag and the whole stream's digest are checked before the target
 * commits; on any error the target is aborted and shows nothing.
 * @throws KpipeError KPIPE_OBJECT_MISSING, KPIPE_DAMAGED, KPIPE_DIGEST_MISMATCH, KPIPE_TARGET_*, KPIPE_INTERRUPTED
 */
export async function restore(options: RestoreOptions): Promise<RestoreReport> {
  const { target } = options
  const interruption = new Interruption(options.signal)
  const seconds = new StageSeconds()
  try {
    if (target.ordered) await restoreInOrder(options, interruption, seconds)
    else await restoreByPosition(options, target, interruption, seconds)
    await target.commit()
    return { bytes: options.stream.bytes, seconds: seconds.all() }
  } catch (error) {
    await target.abort()
    throw error
  } finally {
    interruption.close()
  }
}

/**
 * Each frame is read and decoded once, in the order of its first chunk: what lies before that of the next one is then complete, and is
 * read back and hashed meanwhile.
 */
async function restoreByPosition(
  options: RestoreOptions,
  target: PositionedTarget,
  interruption: Interruption,
  seconds: StageSeconds,
): Promise<void> {
  const { stream, workers } = options
  const index = frameIndex(stream)
  const frames = framesByFirstChunk(stream, index)
  const file = target.file && sharedFile(target.file)
  /** One frame to its places, in seconds by stage. */
  const put = async (frame: number): Promise<Readonly<Record<string, number>>> => {
    if (file) return (await writeFrame(options, frame, index.chunksOf(frame), file)).seconds
    return await writeDecoded(stream, target, await decodeFrame(options, frame, index.chunksOf(frame)))
  }
  const ahead: Promise<Readonly<Record<string, number>>>[] = []
  const back = new BackReader(target)
  let next = 0
  let bytes = 0
  const fill = () => {
    // One frame at work for each thread, one waiting, one being written.
    while (ahead.length < workers.threads + 2 && next < frames.length) {
      const putting = put(frames[next++]!)
      putting.catch(() => {}) // Told when its turn comes.
      ahead.push(putting)
    }
  }
  try {
    for (fill(); ahead.length > 0; fill()) {
      seconds.addAll(await interruption.or(ahead[0]!))
      bytes += bytesOf(stream, index.chunksOf(frames[next - ahead.length]!))
      ahead.shift()
      const following = frames[next - ahead.length]
      back.advance(following === undefined ? stream.bytes : stream.starts(index.chunksOf(following)[0]!))
      options.onProgress?.({ bytes, totalBytes: stream.bytes })
    }
    const { digest, length } = await interruption.or(back.finish(stream.bytes))
    seconds.add('digest', back.seconds)
    if (file && !isDigest(stream, digest, length)) await interruption.or(findDamage(options, frames, index))
    compareDigest(stream, digest, length)
  } finally {
    // Nothing may touch the target while it is aborted.
    await Promise.allSettled(ahead)
    await back.stop()
  }
}

/** Frames that the stream needs. */
function framesByFirstChunk(stream: SealedStream, { chunksOf }: FrameIndex): readonly number[] {
  const frames = Array.from({ length: stream.frames }, (_, frame) => frame).filter((frame) => chunksOf(frame).length > 0)
  return frames.toSorted((one, other) => chunksOf(one)[0]! - chunksOf(other)[0]!)
}

function bytesOf(stream: SealedStream, chunks: Uint32Array): number {
  return chunks.reduce((sum, chunk) => sum + stream.starts(chunk + 1) - stream.starts(chunk), 0)
}

/** How many writes are under way at once: one by one, most of the time would go into waiting for each. */
const writesAtOnce = 16

async function writeDecoded(
  stream: SealedStream,
  target: PositionedTarget,
  decoded: DecodedFrame,
): Promise<Readonly<Record<string, number>>> {
  const { chunks, offsets, bytes } = decoded
  const began = performance.now()
  const { positions, offsets: from, lengths } = writeRunsOf(stream, chunks, offsets)
  const writing: Promise<void>[] = []
  for (let run = 0; run < positions.length; run++) {
    if (writing.length === writesAtOnce) await allDone(writing.splice(0))
    writing.push(target.write(positions[run]!, bytes.subarray(from[run], from[run]! + lengths[run]!)))
  }
  await allDone(writing)
  freeDecoded(decoded)
  return { ...decoded.seconds, write: (performance.now() - began) / 1000 }
}

/** After chunks were written unchecked and are not what they should be: says which frame it is, where the tags tell. @throws KpipeError KPIPE_DAMAGED */
async function findDamage(options: RestoreOptions, frames: readonly number[], { chunksOf }: FrameIndex): Promise<void> {
  for (const frame of frames) freeDecoded(await decodeFrame(options, frame, chunksOf(frame)))
}

/** Waits for all of them whatever happens: the target is not to be aborted under a write. */
async function allDone(work: readonly Promise<void>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(work)) if (outcome.status === 'rejected') throw outcome.reason
}

async function restoreInOrder(options: RestoreOptions, interruption: Interruption, seconds: StageSeconds): Promise<void> {
  const { stream, target } = options
  const hash = createHash('sha256')
  let bytes = 0
  const cacheBytes = options.restoreCacheBytes ?? defaultCacheBytes
  const pieces = readInOrder({ ...options, cacheBytes, onDecoded: (decoded) => seconds.addAll(decoded) })
  for (;;) {
    const next = await interruption.or(pieces.next())
    if (next.done) break
    hash.update(next.value)
    await interruption.or(target.write(bytes, next.value))
    bytes += next.value.length
    options.onProgress?.({ bytes, totalBytes: stream.bytes })
  }
  compareDigest(stream, hash.digest(), bytes)
}

function compareDigest(stream: SealedStream, digest: Uint8Array, bytes: number): void {
  if (isDigest(stream, digest, bytes)) return
  throw new KpipeError('KPIPE_DIGEST_MISMATCH', `the restored ${bytes} bytes do not have the digest that the snapshot names`, { bytes })
}

function isDigest(stream: SealedStream, digest: Uint8Array, bytes: number): boolean {
  return bytes === stream.bytes && Buffer.compare(digest, stream.digest) === 0
}
