/** Where the frame of a recipe part lies. */
export interface ChainLink {
  /** Pack id, 32 hex digits. */
  readonly pack: string
  readonly offset: number
  readonly storedBytes: number
  readonly epoch: number
}

const linkBytes = 14

/** Pack ids of a manifest's chains, numbered as they are met. */
export class RecipePackTable {
  readonly #index = new Map<string, number>()

  encode(chain: readonly ChainLink[]): Buffer {
    const bytes = Buffer.alloc(chain.length * linkBytes)
    chain.forEach((link, at) => {
      let index = this.#index.get(link.pack)
      if (index === undefined) this.#index.set(link.pack, (index = this.#index.size))
      bytes.writeUInt16LE(index, at * linkBytes)
      bytes.writeUInt32LE(link.offset, at * linkBytes + 2)
      bytes.writeUInt32LE(link.storedBytes, at * linkBytes + 6)
      bytes.writeUInt32LE(link.epoch, at * linkBytes + 10)
    })
    return bytes
  }

  finish(): Buffer {
    return Buffer.from([...this.#index.keys()].join(''), 'hex')
  }

  get packs(): readonly string[] {
    return [...this.#index.keys()]
  }
}

export function decodeChain(chain: Uint8Array, recipePacks: Uint8Array): ChainLink[] {
  const view = Buffer.from(chain.buffer, chain.byteOffset, chain.length)
  const ids = Buffer.from(recipePacks.buffer, recipePacks.byteOffset, recipePacks.length)
  return Array.from({ length: view.length / linkBytes }, (_, index) => {
    const at = index * linkBytes
    const pack = view.readUInt16LE(at) * 16
    return {
      pack: ids.toString('hex', pack, pack + 16),
      offset: view.readUInt32LE(at + 2),
      storedBytes: view.readUInt32LE(at + 6),
      epoch: view.readUInt32LE(at + 10),
    }
  })
}
