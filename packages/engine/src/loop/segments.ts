import type { ChunkPlan, ChunkStage } from '../contracts/index.ts'
import { copyBytes } from './copy-bytes.ts'
import { Slots } from './slots.ts'

/** A piece of the stream in memory that it shares with the workers. */
export interface Segment {
  /** 0, 1, 2 … in the order of the stream. */
  readonly number: number
  readonly slot: SharedArrayBuffer
  readonly bytes: number
  /** Place in the stream, in bytes. */
  readonly position: number
}

/**
 * Lays pieces of any size into segments that end at an anchor. Slots are used again: memory is `slots` times the
 * segment's length, however long the stream is.
 */
export class Segmenter {
  readonly #chunk: ChunkStage<unknown>
  readonly #plan: ChunkPlan
  readonly #segmentBytes: number
  readonly #slots: Slots
  #slot: SharedArrayBuffer
  #view: Uint8Array
  #filled = 0
  #position = 0
  #next = 0

  constructor(chunk: ChunkStage<unknown>, plan: ChunkPlan, segmentBytes: number) {
    this.#chunk = chunk
    this.#plan = plan
    this.#segmentBytes = Math.max(segmentBytes, plan.pageBytes)
    this.#slots = new Slots(this.#segmentBytes)
    this.#slot = this.#slots.take()
    this.#view = new Uint8Array(this.#slot)
  }

  /** Takes as much of `piece` from `offset` as fits; returns how many bytes that was. */
  fill(piece: Uint8Array, offset: number): number {
    const taken = Math.min(piece.length - offset, this.#segmentBytes - this.#filled)
    copyBytes(piece.subarray(offset, offset + taken), this.#view, this.#filled)
    this.#filled += taken
    return taken
  }

  get full(): boolean {
    return this.#filled === this.#segmentBytes
  }

  get empty(): boolean {
    return this.#filled === 0
  }

  /** The segment that has been filled; what follows its last anchor begins the next. */
  take(last: boolean): Segment {
    const filled = this.#view.subarray(0, this.#filled)
    // Without an anchor the segment's end becomes a cut: rare, and only dedup suffers.
    const bytes = last ? this.#filled : this.#chunk.anchor(filled, this.#plan) || this.#filled
    const segment: Segment = { number: this.#next++, slot: this.#slot, bytes, position: this.#position }
    const rest = filled.subarray(bytes)
    this.#slot = this.#slots.take()
    this.#view = new Uint8Array(this.#slot)
    this.#view.set(rest)
    this.#filled = rest.length
    this.#position += bytes
    return segment
  }

  /** Gives the segment's memory back. */
  release(segment: Segment): void {
    this.#slots.give(segment.slot)
  }
}
