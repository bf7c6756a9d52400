import type { Segment } from './segments.ts'

/** Where the segments of a stream come from. */
export interface SegmentFeed {
  /** A file from which the threads read their segments by themselves. */
  readonly from?: number | undefined
  /** Waits until there is a segment to take; false at the end of the stream. */
  ready(): Promise<boolean>
  /** The next segment, in a slot that is free. */
  take(): Segment
  /** Called for each segment in the order of the stream, when a thread is done with it: from now on it counts in the stream's digest. */
  passed(segment: Segment, seconds: Readonly<Record<string, number>>): Promise<void>
  /** Threads wait for the source more than they work. */
  readonly isSlow: boolean
  /** What a segment's error means. */
  failure(error: unknown): unknown
  /** Gives the segment's memory back. */
  release(segment: Segment): void
}
