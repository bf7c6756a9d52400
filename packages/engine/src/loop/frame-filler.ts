import { tagBytes } from '../contracts/index.ts'
import { giveBack } from '../give-back.ts'
import { copyBytes } from './copy-bytes.ts'

/** A frame that is full, or the last one. Its buffer is moved to a worker. */
export interface FilledFrame {
  readonly ordinal: number
  readonly buffer: ArrayBuffer
  readonly bytes: number
  readonly ends: Uint32Array
  readonly tags: Uint8Array
}

interface OpenFrame {
  readonly ordinal: number
  readonly view: Uint8Array<ArrayBuffer>
  bytes: number
  readonly ends: number[]
  readonly tags: Uint8Array[]
}

/** Gathers fresh chunks over consecutive segments into frames of equal length. */
export class FrameFiller {
  readonly #frameBytes: number
  #next = 0
  #open: OpenFrame | undefined
  readonly #free: ArrayBuffer[] = []

  constructor(frameBytes: number) {
    this.#frameBytes = frameBytes
  }

  /**
   * Adds chunks that lie next to each other: `bytes` from `start`, chunk i ending at `ends[i]`, i in [first, last).
   * Writes the frame of each to `origins` as `~ordinal`, and hands frames that became full to `full`.
   */
  add(
    bytes: Uint8Array,
    ends: Uint32Array,
    tags: Uint8Array,
    first: number,
    last: number,
    origins: Int32Array,
    full: (frame: FilledFrame) => void,
  ): void {
    let chunk = first
    while (chunk < last) {
      const start = chunk === 0 ? 0 : ends[chunk - 1]!
      let frame = this.#open
      if (frame && frame.bytes + ends[chunk]! - start > frame.view.length) {
        full(this.#close(frame))
        frame = undefined
      }
      frame ??= this.#begin(ends[chunk]! - start)
      // As many chunks of the run as fit go in one copy.
      const room = frame.view.length - frame.bytes
      let until = chunk + 1
      while (until < last && ends[until]! - start <= room) until++
      const runEnd = ends[until - 1]!
      copyBytes(bytes.subarray(start, runEnd), frame.view, frame.bytes)
      for (let index = chunk; index < until; index++) {
        frame.ends.push(frame.bytes + ends[index]! - start)
        origins[index] = ~frame.ordinal
      }
      frame.tags.push(new Uint8Array(tags.subarray(chunk * tagBytes, until * tagBytes)))
      frame.bytes += runEnd - start
      chunk = until
    }
  }

  /** The last frame, when there is one. */
  finish(): FilledFrame | undefined {
    return this.#open && this.#close(this.#open)
  }

  /** Takes the buffer of a frame that is done, to be used again. */
  reuse(buffer: ArrayBuffer): void {
    if (buffer.byteLength === this.#frameBytes) this.#free.push(buffer)
  }

  #begin(leastBytes: number): OpenFrame {
    const buffer = leastBytes <= this.#frameBytes ? this.#free.pop() : undefined
    const view = new Uint8Array(buffer ?? new ArrayBuffer(Math.max(this.#frameBytes, leastBytes)))
    this.#open = { ordinal: this.#next++, view, bytes: 0, ends: [], tags: [] }
    return this.#open
  }

  #close(frame: OpenFrame): FilledFrame {
    this.#open = undefined
    return {
      ordinal: frame.ordinal,
      buffer: frame.view.buffer,
      bytes: frame.bytes,
      ends: Uint32Array.from(frame.ends),
      tags: joined(frame.tags),
    }
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
    giveBack(part)
  }
  return whole
}
