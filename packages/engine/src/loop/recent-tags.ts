import { tagBytes } from '../contracts/index.ts'

// About 8 MiB; further back a repeat is stored once more, which costs space and nothing else.
const maxRecent = 65_536

/** Remembers which new frame holds a chunk, for chunks that come again in the same stream. */
export class RecentTags {
  readonly #ordinals = new Map<string, number>()

  /** Ordinal of the frame with this chunk. */
  find(tags: Uint8Array, chunk: number): number | undefined {
    return this.#ordinals.get(keyOf(tags, chunk))
  }

  add(tags: Uint8Array, chunk: number, ordinal: number): void {
    if (this.#ordinals.size >= maxRecent) this.#ordinals.delete(this.#ordinals.keys().next().value!)
    this.#ordinals.set(keyOf(tags, chunk), ordinal)
  }
}

function keyOf(tags: Uint8Array, chunk: number): string {
  return Buffer.from(tags.buffer, tags.byteOffset + chunk * tagBytes, tagBytes).toString('latin1')
}
