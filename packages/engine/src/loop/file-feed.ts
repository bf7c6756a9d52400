import type { SourceFile } from '../contracts/index.ts'
import { KpipeError } from '../contracts/index.ts'
import { receivedSystemError } from '../workers/system-error.ts'
import type { SegmentFeed } from './segment-feed.ts'
import type { Segment } from './segments.ts'
import { Slots } from './slots.ts'
import type { StreamDigest } from './stream-digest.ts'

/** What a file in memory does not take. */
const slowSeconds = 0.1

/** Segments that the threads read from a file. This thread hashes them afterwards, in their order. */
export class FileFeed implements SegmentFeed {
  readonly from: number
  readonly #file: SourceFile
  readonly #bytes: number
  readonly #segmentBytes: number
  readonly #digest: StreamDigest
  readonly #onBytes: (bytes: number) => void
  readonly #slots: Slots
  readonly #trailer: Uint8Array[] = []
  #readSeconds = 0
  #workSeconds = 0
  #position = 0
  #next = 0

  /** @param segmentBytes a whole number of pages @param onBytes told the length of each segment when it is given to a thread */
  constructor(file: SourceFile, bytes: number, segmentBytes: number, digest: StreamDigest, onBytes: (bytes: number) => void) {
    this.from = file.fd
    this.#file = file
    this.#bytes = bytes
    this.#segmentBytes = segmentBytes
    this.#digest = digest
    this.#onBytes = onBytes
    this.#slots = new Slots(segmentBytes)
  }

  ready(): Promise<boolean> {
    return Promise.resolve(this.#position < this.#bytes)
  }

  take(): Segment {
    const bytes = Math.min(this.#segmentBytes, this.#bytes - this.#position)
    const segment: Segment = { number: this.#next++, slot: this.#slots.take(), bytes, position: this.#position }
    this.#position += bytes
    this.#onBytes(bytes)
    return segment
  }

  async passed({ slot, bytes, position }: Segment, { read = 0, ...work }: Readonly<Record<string, number>>): Promise<void> {
    this.#readSeconds += read
    for (const spent of Object.values(work)) this.#workSeconds += spent
    const segment = new Uint8Array(slot, 0, bytes)
    const { trailer } = this.#file
    const content = trailer === undefined ? bytes : Math.max(0, Math.min(bytes, trailer.position - position))
    if (content > 0) this.#digest.update(segment.subarray(0, content))
    if (trailer === undefined || content === bytes) return
    // Nothing of the trailer is hashed before it was compared with the digest of what stands before it.
    this.#trailer.push(segment.slice(content))
    if (position + bytes < this.#bytes) return
    const whole = new Uint8Array(Buffer.concat(this.#trailer))
    await trailer.verify(whole)
    this.#digest.update(whole)
  }

  get isSlow(): boolean {
    return this.#readSeconds > this.#workSeconds + slowSeconds
  }

  failure(error: unknown): unknown {
    if (!(error instanceof KpipeError) || error.code !== 'KPIPE_SOURCE_DIED') return error
    const { position, ended } = error.details
    return ended === true ? this.#file.failed(Number(position)) : this.#file.failed(Number(position), receivedSystemError(error))
  }

  release({ slot }: Segment): void {
    this.#slots.give(slot)
  }
}
