const tagBytes = 16

/** Tags that are looked for among very many others: nearly all of those are told apart by two of their bytes. */
export class TagSet {
  readonly #tags = new Set<string>()
  readonly #begins = new Uint8Array(65_536)

  /** @param tags in hex */
  constructor(tags: Iterable<string>) {
    for (const tag of tags) {
      this.#tags.add(tag)
      this.#begins[Number.parseInt(tag.slice(0, 4), 16)] = 1
    }
  }

  get size(): number {
    return this.#tags.size
  }

  /** The tag at `offset` in hex, when it is one of these. */
  find(tags: Uint8Array, offset: number): string | undefined {
    if (this.#begins[(tags[offset] << 8) | tags[offset + 1]] === 0) return undefined
    const tag = Buffer.from(tags.buffer, tags.byteOffset + offset, tagBytes).toString('hex')
    return this.#tags.has(tag) ? tag : undefined
  }

  delete(tag: string): void {
    this.#tags.delete(tag)
  }
}
