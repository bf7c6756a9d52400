import { createHash } from 'node:crypto'
import {
  type CodecSecrets,
  type EncodedFrame,
  type KnownChunks,
  KpipeError,
  type RecipeSegment,
  type SealedStream,
  type Sink,
} from '@kpipe/engine/contracts'

export const tagKey = new Uint8Array(64).fill(7)
export const secrets: CodecSecrets = { key: new Uint8Array(32).fill(1), binding: new Uint8Array([1, 2, 3]) }

/** Keeps what the loop hands over, and gives it back as a sealed stream. */
export class MemorySink implements Sink {
  readonly frames: EncodedFrame[] = []
  readonly segments: RecipeSegment[] = []
  readonly #parent: MemorySink | undefined
  readonly #delayMs: number
  framesAtOnce = 0
  mostFramesAtOnce = 0

  constructor(parent?: MemorySink, delayMs = 0) {
    this.#parent = parent
    this.#delayMs = delayMs
  }

  recipe(segment: RecipeSegment): void {
    this.segments.push(segment)
  }

  async frame(frame: EncodedFrame): Promise<void> {
    this.mostFramesAtOnce = Math.max(this.mostFramesAtOnce, ++this.framesAtOnce)
    if (this.#delayMs > 0) await new Promise((resolve) => setTimeout(resolve, this.#delayMs))
    if (frame.ordinal !== this.frames.length) throw new Error(`frame ${frame.ordinal} came as number ${this.frames.length}`)
    this.frames.push(frame)
    this.framesAtOnce--
  }

  get tags(): Uint8Array {
    return Buffer.concat(this.segments.map((segment) => segment.tags))
  }

  get lengths(): number[] {
    return this.segments.flatMap((segment) => Array.from(segment.lengths))
  }

  known(plan: string): KnownChunks {
    const tags = new SharedArrayBuffer(this.tags.length)
    new Uint8Array(tags).set(this.tags)
    return { plan, count: this.lengths.length, tags }
  }

  /** Every frame of this sink and its parents, with where each chunk of the stream is. */
  sealed(digest: Uint8Array, pageBytes: number, damage?: (frame: number) => EncodedFrame | undefined): SealedStream {
    const all = this.#allFrames()
    const places = new Map<string, { frame: number; slot: number }>()
    all.forEach((frame, index) => {
      for (let slot = 0; slot < frame.ends.length; slot++) {
        places.set(Buffer.from(frame.tags.subarray(slot * 16, slot * 16 + 16)).toString('hex'), { frame: index, slot })
      }
    })
    const tags = this.tags
    const lengths = this.lengths
    const starts = [0]
    for (const length of lengths) starts.push(starts.at(-1)! + length)
    const found = lengths.map((_, chunk) => places.get(Buffer.from(tags.subarray(chunk * 16, chunk * 16 + 16)).toString('hex'))!)
    return {
      bytes: starts.at(-1)!,
      digest,
      chunks: lengths.length,
      pageBytes,
      starts: (chunk) => starts[chunk]!,
      tags,
      tagKey,
      tagAlgorithm: 'sha256',
      frameOf: Uint32Array.from(found, (place) => place.frame),
      slotOf: Uint32Array.from(found, (place) => place.slot),
      frames: all.length,
      async load(index) {
        const frame = damage ? damage(index) : all[index]
        if (!frame) throw new KpipeError('KPIPE_OBJECT_MISSING', `frame ${index} is missing`)
        return {
          bytes: new Uint8Array(frame.bytes),
          codecs: [{ stage: './xor.ts', version: '0.0.0', settings: {} }],
          secrets,
          lengths: frame.lengths,
          ends: frame.ends,
          pageBytes,
        }
      },
    }
  }

  #allFrames(): EncodedFrame[] {
    return [...(this.#parent ? this.#parent.#allFrames() : []), ...this.frames]
  }
}

export function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(bytes).digest())
}
