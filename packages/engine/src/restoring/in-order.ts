import type { SealedStream } from '../contracts/index.ts'
import { type DecodedFrame, decodeFrame, freeDecoded, type FrameDecoder } from './decoded-frame.ts'
import { frameIndex } from './frame-index.ts'

/** Memory for decoded chunks that wait for their turn. */
export const defaultCacheBytes = 64 * 1024 * 1024

export interface InOrderOptions extends FrameDecoder {
  readonly cacheBytes: number
  readonly onDecoded?: (seconds: Readonly<Record<string, number>>) => void
}

interface HeldFrame {
  readonly decoded: DecodedFrame
  /** Index of the next chunk of this frame that the stream wants. */
  next: number
}

/**
 * Yields the stream's bytes in order, joined where chunks are neighbours; a piece is valid until the next one is asked for. A frame is decoded when its first chunk is
 * wanted and kept until its last one was given; when more than `cacheBytes` are kept, the frame that is wanted again
 * last is dropped, and decoded once more when its turn comes.
 */
export async function* readInOrder(options: InOrderOptions): AsyncGenerator<Uint8Array, undefined> {
  const { stream } = options
  const cache = new FrameCache(options)
  let chunk = 0
  while (chunk < stream.chunks) {
    const held = await cache.frame(stream.frameOf[chunk]!, chunk)
    const { chunks, offsets, bytes } = held.decoded
    const first = held.next
    const offset = offsets[first]!
    let length = 0
    while (held.next < chunks.length && chunks[held.next] === chunk && offsets[held.next] === offset + length) {
      length += stream.starts(chunk + 1) - stream.starts(chunk)
      held.next++
      chunk++
    }
    yield bytes.subarray(offset, offset + length)
    cache.passed(held)
  }
  return undefined
}

class FrameCache {
  readonly #options: InOrderOptions
  readonly #stream: SealedStream
  readonly #chunksOf: (frame: number) => Uint32Array
  readonly #held = new Map<number, HeldFrame>()
  readonly #coming = new Map<number, Promise<HeldFrame>>()
  #heldBytes = 0
  /** How far the stream was looked through for frames to decode ahead. */
  #lookedTo = 0

  constructor(options: InOrderOptions) {
    this.#options = options
    this.#stream = options.stream
    this.#chunksOf = frameIndex(options.stream).chunksOf
  }

  async frame(frame: number, chunk: number): Promise<HeldFrame> {
    this.#decodeAhead(chunk)
    const held = this.#held.get(frame) ?? (await (this.#coming.get(frame) ?? this.#decode(frame, chunk)))
    if (this.#coming.delete(frame)) {
      this.#held.set(frame, held)
      this.#heldBytes += held.decoded.bytes.length
      this.#dropFarthest(frame)
    }
    return held
  }

  passed(held: HeldFrame): void {
    if (held.next < held.decoded.chunks.length) return
    this.#held.delete(this.#stream.frameOf[held.decoded.chunks[0]!]!)
    this.#giveBack(held)
  }

  /** Keeps the threads at work on the frames that the next chunks lie in. */
  #decodeAhead(chunk: number): void {
    const { frameOf, chunks } = this.#stream
    this.#lookedTo = Math.max(this.#lookedTo, chunk)
    while (
      this.#coming.size <= this.#options.workers.threads &&
      this.#lookedTo < chunks &&
      this.#heldBytes < this.#options.cacheBytes / 2
    ) {
      const frame = frameOf[this.#lookedTo]!
      if (!this.#held.has(frame) && !this.#coming.has(frame)) this.#decode(frame, this.#lookedTo)
      this.#lookedTo++
    }
  }

  #decode(frame: number, from: number): Promise<HeldFrame> {
    const all = this.#chunksOf(frame)
    const wanted = all.subarray(firstAtLeast(all, from))
    const decoding = decodeFrame(this.#options, frame, wanted).then((decoded) => {
      this.#options.onDecoded?.(decoded.seconds)
      return { decoded, next: 0 }
    })
    decoding.catch(() => {}) // Told when its turn comes.
    this.#coming.set(frame, decoding)
    return decoding
  }

  #dropFarthest(current: number): void {
    while (this.#heldBytes > this.#options.cacheBytes && this.#held.size > 1) {
      let farthest = -1
      let farthestChunk = -1
      for (const [frame, held] of this.#held) {
        const next = held.decoded.chunks[held.next]!
        if (frame !== current && next > farthestChunk) {
          farthest = frame
          farthestChunk = next
        }
      }
      this.#giveBack(this.#held.get(farthest)!)
      this.#held.delete(farthest)
    }
  }

  #giveBack({ decoded }: HeldFrame): void {
    this.#heldBytes -= decoded.bytes.length
    freeDecoded(decoded)
  }
}

function firstAtLeast(sorted: Uint32Array, value: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (sorted[middle]! < value) low = middle + 1
    else high = middle
  }
  return low
}
