import type { Pieces } from './pieces.ts'
import type { SegmentFeed } from './segment-feed.ts'
import type { Segment, Segmenter } from './segments.ts'
import type { StageSeconds } from './stage-seconds.ts'

/** Segments laid out of the pieces that a source sends. They were hashed when they came. */
export class PieceFeed implements SegmentFeed {
  readonly #segmenter: Segmenter
  readonly #pieces: Pieces
  readonly #seconds: StageSeconds
  #piece: Uint8Array | undefined
  #offset = 0
  #ended = false

  constructor(segmenter: Segmenter, pieces: Pieces, seconds: StageSeconds) {
    this.#segmenter = segmenter
    this.#pieces = pieces
    this.#seconds = seconds
  }

  async ready(): Promise<boolean> {
    while (!this.#ended) {
      const began = performance.now()
      if (this.#piece) this.#offset += this.#segmenter.fill(this.#piece, this.#offset)
      this.#seconds.add('copy', (performance.now() - began) / 1000)
      if (this.#segmenter.full) return true
      this.#piece = await this.#pieces.next()
      this.#offset = 0
      this.#ended = this.#piece === undefined
    }
    return !this.#segmenter.empty
  }

  take(): Segment {
    return this.#segmenter.take(this.#ended)
  }

  passed(): Promise<void> {
    return Promise.resolve()
  }

  /** It is this thread that waits. */
  readonly isSlow = false

  failure(error: unknown): unknown {
    return error
  }

  release(segment: Segment): void {
    this.#segmenter.release(segment)
  }
}
