import { giveBack } from '../give-back.ts'
import { prefixBytes } from './directory.ts'
import type { Directory } from './directory.ts'

const tagBytes = 16
const empty = 0xffff_ffff

/** Looks up chunks of one pack by their tags: an open table over the prefixes, at most half full. */
export class PrefixTable {
  readonly #prefixes: Uint8Array
  readonly #fullTags: Directory['fullTags']
  readonly #slots: Uint32Array
  readonly #mask: number

  constructor({ prefixes, fullTags }: Pick<Directory, 'prefixes' | 'fullTags'>) {
    // Most tables are made by code that no compiler has got to yet: nothing is called in the loop, and all it uses is local.
    const count = prefixes.length / prefixBytes
    const size = 2 ** Math.ceil(Math.log2(count * 2 + 2))
    const mask = size - 1
    const slots = new Uint32Array(size).fill(empty)
    for (let chunk = 0, at = 0; chunk < count; chunk++, at += prefixBytes) {
      let slot = (prefixes[at] | (prefixes[at + 1] << 8) | (prefixes[at + 2] << 16) | (prefixes[at + 3] << 24)) & mask
      while (slots[slot] !== empty) slot = (slot + 1) & mask
      slots[slot] = chunk
    }
    this.#prefixes = prefixes
    this.#fullTags = fullTags
    this.#slots = slots
    this.#mask = mask
  }

  /**
   * The chunk of the pack that has the tag at `offset`; of several the first one, or `likely` when it is among them.
   * @param likely a chunk of the pack, or one behind the last
   */
  find(tags: Uint8Array, offset: number, likely?: number): number | undefined {
    if (likely !== undefined && this.#isAt(likely, tags, offset)) return likely
    const slots = this.#slots
    const mask = this.#mask
    const start = (tags[offset] | (tags[offset + 1] << 8) | (tags[offset + 2] << 16) | (tags[offset + 3] << 24)) & mask
    for (let slot = start; ; slot = (slot + 1) & mask) {
      const chunk = slots[slot]
      if (chunk === empty) return undefined
      if (this.#isAt(chunk, tags, offset)) return chunk
    }
  }

  /** Frees its memory: it is not to be used any more. */
  release(): void {
    giveBack(this.#slots)
  }

  /** Whether a chunk of the pack has the tag, as far as the directory tells. */
  #isAt(chunk: number, tags: Uint8Array, offset: number): boolean {
    const prefixes = this.#prefixes
    const at = chunk * prefixBytes
    for (let byte = 0; byte < prefixBytes; byte++) if (prefixes[at + byte] !== tags[offset + byte]) return false
    if (this.#fullTags.size === 0) return true
    const full = this.#fullTags.get(chunk)
    return full === undefined || full === Buffer.from(tags.subarray(offset, offset + tagBytes)).toString('hex')
  }
}
