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
import { type DecodedFrame, decodeFrame, freeDecoded } from './decoded-frame.ts'
import { frameIndex } from './frame-index.ts'
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

/** Frames in the order in which they lie in their packs, each read and decoded once. */
async function restoreByPosition(
  options: RestoreOptions,
  target: PositionedTarget,
  interruption: Interruption,
  seconds: StageSeconds,
): Promise<void> {
  const { stream, workers } = options
  const index = frameIndex(stream)
  const ahead: Promise<DecodedFrame>[] = []
  let next = 0
  let bytes = 0
  const fill = () => {
    // One frame at work for each thread, one waiting, one being written.
    while (ahead.length < workers.threads + 2 && next < stream.frames) {
      const frame = next++
      const chunks = index.chunksOf(frame)
      if (chunks.length === 0) continue
      const decoding = decodeFrame(options, frame, chunks)
      decoding.catch(() => {}) // Told when its turn comes.
      ahead.push(decoding)
    }
  }
  for (fill(); ahead.length > 0; fill()) {
    const decoded = await interruption.or(ahead.shift()!)
    seconds.addAll(decoded.seconds)
    const began = performance.now()
    await writeFrame(stream, target, decoded)
    seconds.add('write', (performance.now() - began) / 1000)
    bytes += decoded.bytes.length
    freeDecoded(decoded)
    options.onProgress?.({ bytes, totalBytes: stream.bytes })
  }
  const began = performance.now()
  await checkDigest(stream, target, interruption)
  seconds.add('digest', (performance.now() - began) / 1000)
}

/** How many writes are under way at once: one by one, most of the time would go into waiting for each. */
const writesAtOnce = 16

/** Neighbours in the stream that are neighbours in the frame too are written with one call. */
async function writeFrame(stream: SealedStream, target: PositionedTarget, { chunks, offsets, bytes }: DecodedFrame): Promise<void> {
  const writing: Promise<void>[] = []
  for (let first = 0; first < chunks.length;) {
    const position = stream.starts(chunks[first]!)
    const offset = offsets[first]!
    let last = first + 1
    let length = stream.starts(chunks[first]! + 1) - position
    while (last < chunks.length && chunks[last] === chunks[last - 1]! + 1 && offsets[last] === offset + length) {
      length = stream.starts(chunks[last]! + 1) - position
      last++
    }
    if (writing.length === writesAtOnce) await allDone(writing.splice(0))
    writing.push(target.write(position, bytes.subarray(offset, offset + length)))
    first = last
  }
  await allDone(writing)
}

/** Waits for all of them whatever happens: the target is not to be aborted under a write. */
async function allDone(work: readonly Promise<void>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(work)) if (outcome.status === 'rejected') throw outcome.reason
}

async function checkDigest(stream: SealedStream, target: PositionedTarget, interruption: Interruption): Promise<void> {
  const hash = createHash('sha256')
  const piece = new Uint8Array(1024 * 1024)
  let position = 0
  for (;;) {
    const count = await interruption.or(target.read(position, piece))
    if (count === 0) break
    hash.update(piece.subarray(0, count))
    position += count
  }
  compareDigest(stream, hash.digest(), position)
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
  if (bytes === stream.bytes && Buffer.compare(digest, stream.digest) === 0) return
  throw new KpipeError('KPIPE_DIGEST_MISMATCH', `the restored ${bytes} bytes do not have the digest that the snapshot names`, { bytes })
}
