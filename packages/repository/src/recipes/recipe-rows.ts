import assert from 'node:assert/strict'
import type { RecipeSegment } from '@kpipe/engine/contracts'
import type { RecipeSource } from './write-recipe.ts'

const tagBytes = 16

/** Some chunks in stream order. The arrays are used again for the next ones. */
export interface Rows {
  readonly tags: Uint8Array
  readonly lengths: Uint32Array
  readonly origins: Int32Array
  /** Index into the parent's table followed by the writer's own packs. */
  readonly packs: Uint32Array
}

/** Hands out the chunks of the segments in pieces of up to a given size, each chunk with its pack. */
export class RecipeRows {
  readonly #segments: readonly RecipeSegment[]
  readonly #source: RecipeSource
  readonly #ownStart: number
  readonly #room: Rows
  #segment = 0
  #position = 0

  /**
   * @param ownStart index of the writer's first own pack
   * @param mostRows that are taken at once
   */
  constructor(source: RecipeSource, ownStart: number, mostRows: number) {
    this.#segments = source.segments
    this.#source = source
    this.#ownStart = ownStart
    this.#room = {
      tags: new Uint8Array(mostRows * tagBytes),
      lengths: new Uint32Array(mostRows),
      origins: new Int32Array(mostRows),
      packs: new Uint32Array(mostRows),
    }
  }

  take(count: number): Rows {
    const rows: Rows = {
      tags: this.#room.tags.subarray(0, count * tagBytes),
      lengths: this.#room.lengths.subarray(0, count),
      origins: this.#room.origins.subarray(0, count),
      packs: this.#room.packs.subarray(0, count),
    }
    for (let filled = 0; filled < count;) {
      const segment = this.#segments[this.#segment]
      const end = Math.min(segment.origins.length, this.#position + count - filled)
      rows.tags.set(segment.tags.subarray(this.#position * tagBytes, end * tagBytes), filled * tagBytes)
      rows.lengths.set(segment.lengths.subarray(this.#position, end), filled)
      rows.origins.set(segment.origins.subarray(this.#position, end), filled)
      filled += end - this.#position
      this.#position = end
      if (end === segment.origins.length) {
        this.#segment += 1
        this.#position = 0
      }
    }
    this.#placePacks(rows)
    return rows
  }

  #placePacks({ origins, packs }: Rows): void {
    const { packOfFrame, parent } = this.#source
    for (let at = 0; at < origins.length; at++) {
      const origin = origins[at]
      const pack = origin < 0 ? packOfFrame[~origin] : parent?.packs[origin]
      assert(pack !== undefined, 'a chunk comes from a frame or a parent chunk that does not exist')
      packs[at] = origin < 0 ? this.#ownStart + pack : pack
    }
  }
}
