import type { RecipeSegment } from '@kpipe/engine/contracts'
import { partChunks } from './part.ts'

const tagBytes = 16

/** Chunks of one recipe part, in stream order, in memory that is used again for a later part. */
export class Rows {
  readonly #tags: Uint8Array
  readonly #lengths: Uint32Array
  readonly #origins: Int32Array
  readonly #packs: Uint32Array
  count = 0
  /** The newest frame that holds one of them; -1 for none. */
  lastFrame = -1

  /** @param most how many there will be, when they are less than a part has */
  constructor(most = partChunks) {
    const room = Math.min(most, partChunks)
    this.#tags = new Uint8Array(room * tagBytes)
    this.#lengths = new Uint32Array(room)
    this.#origins = new Int32Array(room)
    this.#packs = new Uint32Array(room)
  }

  get full(): boolean {
    return this.count === partChunks
  }

  /** Takes chunks of a segment, from its chunk `from` on, as many as there is room for; returns how many. */
  take({ tags, lengths, origins }: RecipeSegment, from: number): number {
    const taken = Math.min(origins.length - from, partChunks - this.count)
    this.#tags.set(tags.subarray(from * tagBytes, (from + taken) * tagBytes), this.count * tagBytes)
    this.#lengths.set(lengths.subarray(from, from + taken), this.count)
    this.#origins.set(origins.subarray(from, from + taken), this.count)
    for (let at = from; at < from + taken; at++) if (~origins[at] > this.lastFrame) this.lastFrame = ~origins[at]
    this.count += taken
    return taken
  }

  /** 16 bytes a chunk. */
  get tags(): Uint8Array {
    return this.#tags.subarray(0, this.count * tagBytes)
  }

  get lengths(): Uint32Array {
    return this.#lengths.subarray(0, this.count)
  }

  /** The parent's chunk of that index, or `~ordinal` of a frame. */
  get origins(): Int32Array {
    return this.#origins.subarray(0, this.count)
  }

  /** Index of its pack for each chunk: to be filled in by whoever knows. */
  get packs(): Uint32Array {
    return this.#packs.subarray(0, this.count)
  }

  empty(): void {
    this.count = 0
    this.lastFrame = -1
  }
}
