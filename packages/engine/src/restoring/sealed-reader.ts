import type { SealedStream } from '../contracts/index.ts'
import { type DecodedFrame, decodeFrame, type FrameDecoder } from './decoded-frame.ts'
import { frameIndex } from './frame-index.ts'

export interface SealedReader {
  /** Length of the stream. */
  readonly bytes: number
  /**
   * `length` bytes from `position`, checked against their tags; fewer at the stream's end. The result is the caller's own.
   * @throws KpipeError KPIPE_OBJECT_MISSING, KPIPE_DAMAGED
   */
  read(position: number, length: number): Promise<Uint8Array>
}

export interface SealedReaderOptions extends FrameDecoder {
  /** Memory for decoded frames, beside the one in use. Default 16 MiB. */
  readonly cacheBytes?: number
}

/** Reads a sealed stream anywhere, a page here and a page there, without restoring it. */
export function sealedReader(options: SealedReaderOptions): SealedReader {
  const { stream } = options
  const frames = new RecentFrames(options)
  return {
    bytes: stream.bytes,
    async read(position, length) {
      const end = Math.min(stream.bytes, position + length)
      const result = new Uint8Array(Math.max(0, end - position))
      for (let chunk = chunkAt(stream, position); stream.starts(chunk) < end; chunk++) {
        const bytes = await frames.chunk(chunk)
        const start = stream.starts(chunk)
        result.set(bytes.subarray(Math.max(0, position - start), end - start), Math.max(0, start - position))
      }
      return result
    },
  }
}

/** The chunk that holds a position, by bisection. */
function chunkAt(stream: SealedStream, position: number): number {
  let low = 0
  let high = stream.chunks
  while (low < high) {
    const middle = (low + high) >>> 1
    if (stream.starts(middle + 1) <= position) low = middle + 1
    else high = middle
  }
  return low
}

/** Decoded frames, the least recently used given up first. */
class RecentFrames {
  readonly #options: FrameDecoder
  readonly #cacheBytes: number
  readonly #chunksOf: (frame: number) => Uint32Array
  readonly #decoded = new Map<number, Promise<DecodedFrame>>()
  #heldBytes = 0

  constructor({ cacheBytes = 16 * 1024 * 1024, ...options }: SealedReaderOptions) {
    this.#options = options
    this.#cacheBytes = cacheBytes
    this.#chunksOf = frameIndex(options.stream).chunksOf
  }

  async chunk(chunk: number): Promise<Uint8Array> {
    const { stream } = this.#options
    const { chunks, offsets, bytes } = await this.#frame(stream.frameOf[chunk]!)
    const offset = offsets[indexOf(chunks, chunk)]!
    return bytes.subarray(offset, offset + stream.starts(chunk + 1) - stream.starts(chunk))
  }

  async #frame(frame: number): Promise<DecodedFrame> {
    const known = this.#decoded.get(frame)
    if (known) {
      this.#decoded.delete(frame)
      this.#decoded.set(frame, known)
      return await known
    }
    const decoding = decodeFrame(this.#options, frame, this.#chunksOf(frame))
    this.#decoded.set(frame, decoding)
    try {
      this.#heldBytes += (await decoding).bytes.length
    } catch (error) {
      this.#decoded.delete(frame)
      throw error
    }
    await this.#giveUpOldest(frame)
    return await decoding
  }

  async #giveUpOldest(current: number): Promise<void> {
    for (const [frame, decoding] of this.#decoded) {
      if (this.#heldBytes <= this.#cacheBytes) return
      if (frame === current) continue
      this.#decoded.delete(frame)
      this.#heldBytes -= (await decoding).bytes.length
    }
  }
}

function indexOf(sorted: Uint32Array, value: number): number {
  let low = 0
  let high = sorted.length - 1
  while (low < high) {
    const middle = (low + high) >>> 1
    if (sorted[middle]! < value) low = middle + 1
    else high = middle
  }
  return low
}
