import type { ChunkPlan, ChunkStage, SourceStream } from '../contracts/index.ts'
import { FileFeed } from './file-feed.ts'
import { readFileHead } from './head.ts'
import type { Interruption } from './interruption.ts'
import { PieceFeed } from './piece-feed.ts'
import { Pieces } from './pieces.ts'
import type { SegmentFeed } from './segment-feed.ts'
import { Segmenter } from './segments.ts'
import type { StageSeconds } from './stage-seconds.ts'
import type { StreamDigest } from './stream-digest.ts'

/** A stream of which the head has been read, for the stages to make their plans. */
export interface Intake {
  /** The stream's first 64 KiB, or all of it. */
  readonly head: Uint8Array
  /** Called once, when it is known how segments end. */
  feed(chunk: ChunkStage<unknown>, plan: ChunkPlan, segmentBytes: number): SegmentFeed
}

/**
 * Where the stream lies in a file and is cut by pages, each thread reads its segments itself. Anchors have to be looked for in the
 * bytes, and whatever comes over a connection comes in pieces: these are laid into segments on this thread.
 */
export async function openIntake(
  stream: SourceStream,
  digest: StreamDigest,
  interruption: Interruption,
  seconds: StageSeconds,
  onBytes: (bytes: number) => void,
): Promise<Intake> {
  const { file, bytes } = stream
  const pieces = new Pieces(stream, digest, interruption, seconds, onBytes)
  const head = file && bytes !== undefined ? await interruption.or(readFileHead(file, bytes)) : await pieces.head()
  return {
    head,
    feed(chunk, plan, segmentBytes) {
      return file && bytes !== undefined && plan.pageBytes > 0
        ? new FileFeed(file, bytes, wholePages(segmentBytes, plan.pageBytes), digest, onBytes)
        : new PieceFeed(new Segmenter(chunk, plan, segmentBytes), pieces, seconds)
    },
  }
}

/** The longest segment of whole pages that has at most this length, or one page. */
function wholePages(segmentBytes: number, pageBytes: number): number {
  return Math.max(segmentBytes - (segmentBytes % pageBytes), pageBytes)
}
