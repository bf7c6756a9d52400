import { giveBack } from '../give-back.ts'
import { prefixBytes } from './directory.ts'
import type { Directory } from './directory.ts'

const tagBytes = 16
const empty = 0xffff_ffff

/** Looks up chunks of one pack by their tags: an open table over the prefixes, at most half full. */
export class PrefixTable {
  readonly #prefixes: Buffer
  readonly #fullTags: Directory['fullTags']
  readonly #slots: Uint32Array
  readonly #mask: number

  constructor({ prefixes, fullTags }: Pick<Directory, 'prefixes' | 'fullTags'>) {
    this.#prefixes = Buffer.from(prefixes.buffer, prefixes.byteOffset, prefixes.length)
    this.#fullTags = fullTags
    const count = prefixes.length / prefixBytes
    const size = 2 ** Math.ceil(Math.log2(count * 2 + 2))
    this.#mask = size - 1
    this.#slots = new Uint32Array(size).fill(empty)
    for (let chunk = 0; chunk < count; chunk++) {
      let slot = this.#prefixes.readUInt32LE(chunk * prefixBytes) & this.#mask
      while (this.#slots[slot] !== empty) slot = (slot + 1) & this.#mask
      this.#slots[slot] = chunk
    }
  }

  /** The chunk of the pack that has the tag at `offset`, the first one where several have it. */
  find(tags: Uint8Array, offset: number): number | undefined {
    const start = (tags[offset] | (tags[offset + 1] << 8) | (tags[offset + 2] << 16) | (tags[offset + 3] << 24)) & this.#mask
    for (let slot = start; this.#slots[slot] !== empty; slot = (slot + 1) & this.#mask) {
      const chunk = this.#slots[slot]
      if (this.#matches(chunk, tags, offset)) return chunk
    }
    return undefined
  }

  /** Frees its memory: it is not to be used any more. */
  release(): void {
    giveBack(this.#slots)
  }

  #matches(chunk: number, tags: Uint8Array, offset: number): boolean {
    for (let index = 0; index < prefixBytes; index++) {
      if (this.#prefixes[chunk * prefixBytes + index] !== tags[offset + index]) return false
    }
    const full = this.#fullTags.get(chunk)
    return full === undefined || full === Buffer.from(tags.subarray(offset, offset + tagBytes)).toString('hex')
  }
}
