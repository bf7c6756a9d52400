import type { CodecRecord, CodecSecrets } from '@kpipe/engine/contracts'
import type { FrameKind } from '../packs/directory.ts'
import { canonicalJson } from '../packs/frame-binding.ts'
import type { NewPacks } from './new-packs.ts'
import type { PlainFrame, Recode } from './recode.ts'

/** A frame is closed before it would grow above this. */
const targetFrameBytes = 4 * 2 ** 20
/** Plain bytes of all frames that are being filled: the fullest is closed before there are more. */
const mostFillingBytes = 16 * 2 ** 20
/** Frames that are encoded while another one is filled. */
const encodedAtOnce = 3
const tagBytes = 16

interface Filling {
  readonly kind: FrameKind
  bytes: Uint8Array<ArrayBuffer>
  length: number
  storedBytes: number
  readonly ends: number[]
  readonly tags: Uint8Array[]
}

interface Encoding {
  readonly kind: FrameKind
  readonly plain: Pick<PlainFrame, 'ends'> & { readonly tags: Uint8Array }
  readonly length: number
  readonly storedBytes: number
  readonly result: ReturnType<Recode['encode']>
}

export interface FrameGathererOptions {
  readonly recode: Recode
  readonly secrets: (codecs: readonly CodecRecord[], epoch: number) => CodecSecrets
  readonly epoch: number
  readonly into: NewPacks
}

/** What is said of single chunks. */
export interface GatheredChunks {
  /** Bytes of each. */
  readonly lengths: Uint32Array
  /** Of each: those of one line come into frames of their own. */
  readonly lines: Uint32Array
  /** 16 bytes for each. */
  readonly tags: Uint8Array
  /** What they took of the pack they were in, by their plain lengths. */
  readonly storedBytes: number
}

/** Gathers single chunks into new frames: through the codecs that they came out of, under the newest keys. */
export class FrameGatherer {
  readonly #options: FrameGathererOptions
  readonly #filling = new Map<string, Filling>()
  readonly #encoding: Encoding[] = []

  constructor(options: FrameGathererOptions) {
    this.#options = options
  }

  /** What is in no pack yet will take so much of one, if its chunks shrink as those did that they were in a frame with. */
  get likelyBytes(): number {
    return [...this.#filling.values(), ...this.#encoding].reduce((sum, { storedBytes }) => sum + storedBytes, 0)
  }

  /** The same if nothing of it shrinks. */
  get mostBytes(): number {
    return [...this.#filling.values(), ...this.#encoding].reduce((sum, { length }) => sum + length, 0)
  }

  /** @param chunks one after the other */
  async add({ codecs, pageBytes }: FrameKind, chunks: Uint8Array, { lengths, lines, tags, storedBytes }: GatheredChunks): Promise<void> {
    const kind: FrameKind = { epoch: this.#options.epoch, codecs, key: 'derived', pageBytes }
    const name = canonicalJson(kind)
    const keys = new Map([...new Set(lines)].map((line) => [line, `${line} ${name}`]))
    const storedShare = storedBytes / Math.max(1, chunks.length)
    let place = 0
    for (const [index, length] of lengths.entries()) {
      const key = keys.get(lines[index])!
      const open = this.#filling.get(key)
      if (open !== undefined && open.length + length > targetFrameBytes) await this.#encode(key, open)
      const filling = this.#filling.get(key) ?? { kind, bytes: new Uint8Array(length), length: 0, storedBytes: 0, ends: [], tags: [] }
      this.#filling.set(key, filling)
      if (filling.length + length > filling.bytes.length) filling.bytes = grown(filling.bytes, filling.length + length)
      filling.bytes.set(chunks.subarray(place, (place += length)), filling.length)
      filling.length += length
      filling.storedBytes += length * storedShare
      filling.ends.push(filling.length)
      filling.tags.push(tags.subarray(index * tagBytes, (index + 1) * tagBytes))
    }
    await this.#keepFew()
  }

  /** Everything that was added is in the pack that is being filled. */
  async flush(): Promise<void> {
    for (const [key, filling] of this.#filling) await this.#encode(key, filling)
    await this.storeEncoded()
  }

  /** Every frame that was filled is in the pack that is being filled. */
  async storeEncoded(): Promise<void> {
    while (this.#encoding.length > 0) await this.#store()
  }

  async #keepFew(): Promise<void> {
    const fullestFirst = [...this.#filling].toSorted(([, one], [, other]) => other.length - one.length)
    let bytes = fullestFirst.reduce((sum, [, { length }]) => sum + length, 0)
    for (const [key, filling] of fullestFirst) {
      if (bytes <= mostFillingBytes) return
      bytes -= filling.length
      await this.#encode(key, filling)
    }
  }

  async #encode(key: string, { kind, bytes, length, storedBytes, ends, tags }: Filling): Promise<void> {
    this.#filling.delete(key)
    if (this.#encoding.length >= encodedAtOnce) await this.#store()
    const { recode, secrets, epoch } = this.#options
    const { codecs, pageBytes } = kind
    const plain = { bytes: bytes.length === length ? bytes : bytes.slice(0, length), ends: Uint32Array.from(ends) }
    const result = recode.encode({ ...plain, pageBytes, codecs, secrets: secrets(codecs, epoch) })
    result.catch(() => undefined) // Thrown when its turn comes.
    const all = new Uint8Array(tags.length * tagBytes)
    tags.forEach((tag, index) => all.set(tag, index * tagBytes))
    this.#encoding.push({ kind, plain: { ends: Uint32Array.from(ends), tags: all }, length, storedBytes, result })
  }

  /** In the order in which they were begun. */
  async #store(): Promise<void> {
    const { kind, plain, result } = this.#encoding[0]
    const { bytes, digest, lengths } = await result
    this.#encoding.shift()
    this.#options.into.add(bytes, { kind, lengths, digest, tags: plain.tags, ends: plain.ends })
  }
}

function grown(bytes: Uint8Array<ArrayBuffer>, least: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.max(least, Math.min(targetFrameBytes, bytes.length * 2)))
  larger.set(bytes)
  return larger
}
