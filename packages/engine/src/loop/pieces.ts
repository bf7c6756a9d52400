import type { SourceStream } from '../contracts/index.ts'
import { headBytes } from './head.ts'
import type { Interruption } from './interruption.ts'
import type { StageSeconds } from './stage-seconds.ts'
import type { StreamDigest } from './stream-digest.ts'

/** What a source sends, hashed as it comes. */
export class Pieces {
  readonly #stream: SourceStream
  readonly #digest: StreamDigest
  readonly #interruption: Interruption
  readonly #seconds: StageSeconds
  readonly #onBytes: (bytes: number) => void
  /** Read for the head, and not asked for since. */
  readonly #kept: Uint8Array[] = []
  #iterator: AsyncIterator<Uint8Array> | undefined

  /** @param onBytes told the length of each piece */
  constructor(
    stream: SourceStream,
    digest: StreamDigest,
    interruption: Interruption,
    seconds: StageSeconds,
    onBytes: (bytes: number) => void,
  ) {
    this.#stream = stream
    this.#digest = digest
    this.#interruption = interruption
    this.#seconds = seconds
    this.#onBytes = onBytes
  }

  /** The stream's first 64 KiB, or all of it. The pieces that were read for it still come from `next`. */
  async head(): Promise<Uint8Array> {
    let total = 0
    while (total < headBytes) {
      const piece = await this.#read()
      if (piece === undefined) break
      // A source may use its buffer again as soon as it is asked for more.
      this.#kept.push(new Uint8Array(piece))
      total += piece.length
    }
    return new Uint8Array(Buffer.concat(this.#kept, Math.min(total, headBytes)))
  }

  /** The next piece; undefined at the end. */
  async next(): Promise<Uint8Array | undefined> {
    return this.#kept.shift() ?? (await this.#read())
  }

  /** The next piece that holds a byte. */
  async #read(): Promise<Uint8Array | undefined> {
    this.#iterator ??= this.#stream.read()[Symbol.asyncIterator]()
    const began = performance.now()
    for (;;) {
      const next = await this.#interruption.or(this.#iterator.next())
      if (!next.done && next.value.length === 0) continue
      this.#seconds.add('read', (performance.now() - began) / 1000)
      if (next.done) return undefined
      this.#digest.update(next.value)
      this.#onBytes(next.value.length)
      return next.value
    }
  }
}
