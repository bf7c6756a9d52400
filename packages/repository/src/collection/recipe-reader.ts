import type { Store } from '@kpipe/engine/contracts'
import type { KeyRing } from '../keys/key-ring.ts'
import type { Places } from '../log/places.ts'
import { mapLimit } from '../map-limit.ts'
import { damagedPack } from '../packs/read-directory.ts'
import { unitTag } from '../packs/unit-frame.ts'
import { decodeChain } from '../recipes/chain.ts'
import type { ChainLink } from '../recipes/chain.ts'
import { MovedUnits } from '../recipes/moved-units.ts'
import { baseOf, decodePart } from '../recipes/part.ts'
import type { Part } from '../recipes/part.ts'
import { currentPacks, isInPlace, readLink } from '../recipes/read-recipe.ts'
import { nameOf } from '../snapshot.ts'
import type { Snapshot } from '../snapshot.ts'
import type { ManifestStream } from '../manifest.ts'

const readsAtOnce = 8

/** One part of a recipe, and the units that it is made of. */
export interface ReadPart {
  /** In hex. Equal tags: equal parts. */
  readonly tag: string
  readonly part: Part
  /** The part itself, its base, the base's base, up to a full one: tags, and the packs that the manifest names. */
  readonly units: readonly { readonly tag: Uint8Array; readonly pack: string }[]
}

/**
 * Reads recipes one after the other. The parts of the one before are kept: of a child only the changes are read. Snapshots are best
 * asked for name by name, from the oldest on.
 */
export class RecipeReader {
  readonly #store: Store
  readonly #ring: KeyRing
  /** Parts of the recipe before, by tag. */
  #parts = new Map<string, Part>()
  /** Tag of the base of each part that was ever read, by tag in hex; undefined for full ones. */
  readonly #bases = new Map<string, Uint8Array | undefined>()
  /** Tags of units by place: a manifest does not tell those of bases. */
  readonly #tags = new Map<string, Uint8Array>()

  constructor(store: Store, ring: KeyRing) {
    this.#store = store
    this.#ring = ring
  }

  /** All parts of a stream. @throws KpipeError KPIPE_OBJECT_MISSING, KPIPE_DAMAGED */
  async read(snapshot: Snapshot, stream: ManifestStream, places: Places): Promise<ReadPart[]> {
    const forWhom = nameOf(snapshot)
    const moved = new MovedUnits(this.#store, this.#ring, forWhom)
    const parts: ReadPart[] = []
    let chunks = 0
    for (const { tag, count, chain } of stream.parts) {
      const noted = decodeChain(chain, snapshot.manifest.recipe_packs)
      const read = await this.#readPart(tag, noted, places, moved, forWhom)
      chunks += read.part.count
      if (read.part.count !== count || chunks > stream.chunks)
        throw damagedPack(noted[0].pack, forWhom, 'a recipe part in it has another length')
      parts.push(read)
    }
    this.#parts = new Map(parts.map(({ tag, part }) => [tag, part]))
    return parts
  }

  async #readPart(tag: Uint8Array, noted: readonly ChainLink[], places: Places, moved: MovedUnits, forWhom: string): Promise<ReadPart> {
    const context = { store: this.#store, ring: this.#ring, places }
    const known = noted.findIndex((link) => this.#parts.has(hex(this.#tags.get(placeOf(link)))))
    const unread = noted.slice(0, known < 0 ? noted.length : known)
    try {
      const inPlace = unread.filter((link) => isInPlace(places, link))
      const early = new Map(
        (await mapLimit(inPlace, readsAtOnce, async (link) => readLink(context, link, forWhom))).map((frame, at) => [inPlace[at], frame]),
      )
      const frames: Buffer[] = []
      let expected: Uint8Array | undefined = tag
      for (const link of unread) {
        if (expected === undefined) throw damagedPack(link.pack, forWhom, 'a recipe part in it is not the one that is named')
        const frame = early.get(link) ?? (await readLink(context, await moved.find(currentPacks(places, link, forWhom), expected), forWhom))
        if (!unitTag(this.#ring, frame).equals(expected))
          throw damagedPack(link.pack, forWhom, 'a recipe part in it is not the one that is named')
        frames.push(frame)
        this.#tags.set(placeOf(link), expected)
        const base = baseOf(frame)
        this.#bases.set(hex(expected), base)
        expected = base
      }
      let base = expected && this.#parts.get(hex(expected))
      if (expected !== undefined && base === undefined) throw damagedPack(noted[0].pack, forWhom, 'the chain of a recipe part has no end')
      for (const frame of frames.toReversed()) base = decodePart(frame, base)
      return { tag: hex(tag), part: base!, units: this.#unitsOf(tag, noted, forWhom) }
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      throw damagedPack(noted[0].pack, forWhom, `a recipe part in it cannot be read: ${error.message}`)
    }
  }

  /** The tags of all links, those below a part of the recipe before included, which were read with it. */
  #unitsOf(tag: Uint8Array, noted: readonly ChainLink[], forWhom: string): ReadPart['units'] {
    let next: Uint8Array | undefined = tag
    return noted.map((link) => {
      if (next === undefined) throw damagedPack(link.pack, forWhom, 'a recipe part in it is not the one that is named')
      const unit = { tag: next, pack: link.pack }
      this.#tags.set(placeOf(link), next)
      next = this.#bases.get(hex(next))
      return unit
    })
  }
}

function placeOf({ pack, offset }: ChainLink): string {
  return `${pack} ${offset}`
}

function hex(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? '' : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')
}
