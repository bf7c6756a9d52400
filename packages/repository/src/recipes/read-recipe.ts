import type { Store } from '@kpipe/engine/contracts'
import type { KeyRing } from '../keys/key-ring.ts'
import type { Manifest, ManifestStream } from '../manifest.ts'
import { mapLimit } from '../map-limit.ts'
import { damagedPack, readPackRange } from '../packs/read-directory.ts'
import { openUnitFrame, unitTag } from '../packs/unit-frame.ts'
import { decodeChain } from './chain.ts'
import type { ChainLink } from './chain.ts'
import { baseOf, decodePart, partChunks } from './part.ts'
import type { Part } from './part.ts'

const partsAtOnce = 4
const tagBytes = 16

/** A recipe with one table of packs for all parts. */
export interface Recipe {
  readonly count: number
  /** 16 bytes a chunk, shared memory. */
  readonly tags: SharedArrayBuffer
  /** Index into `table` for each chunk. */
  readonly packs: Uint32Array
  /** Pack ids, 32 hex digits. */
  readonly table: readonly string[]
  readonly lengths: Uint32Array | undefined
  readonly parts: readonly RecipePart[]
}

/** What a later snapshot needs to store its part as a change to this one. */
export interface RecipePart {
  readonly tag: Uint8Array
  readonly count: number
  readonly chain: readonly ChainLink[]
  /** The part's own table, as indexes into the recipe's. */
  readonly table: readonly number[]
}

/** @throws KpipeError KPIPE_OBJECT_MISSING, KPIPE_DAMAGED */
export async function readRecipe(
  store: Store,
  ring: KeyRing,
  manifest: Manifest,
  stream: ManifestStream,
  forWhom: string,
): Promise<Recipe> {
  const tags = new SharedArrayBuffer(stream.chunks * tagBytes)
  const packs = new Uint32Array(stream.chunks)
  const lengths = stream.page_bytes === 0 ? new Uint32Array(stream.chunks) : undefined
  const index = new Map<string, number>()
  const globalIndex = (id: string): number => {
    const known = index.get(id)
    if (known !== undefined) return known
    index.set(id, index.size)
    return index.size - 1
  }
  const parts = await mapLimit(
    stream.parts.map((reference, number) => ({ reference, first: number * partChunks })),
    partsAtOnce,
    async ({ reference, first }): Promise<RecipePart> => {
      const chain = decodeChain(reference.chain, manifest.recipe_packs)
      const part = await readPart(store, ring, reference.tag, chain, forWhom)
      if (part.count !== reference.count || first + part.count > stream.chunks)
        throw damagedPack(chain[0].pack, forWhom, 'a recipe part in it has another length')
      const table = part.table.map(globalIndex)
      new Uint8Array(tags).set(part.tags, first * tagBytes)
      for (let at = 0; at < part.count; at++) packs[first + at] = table[part.packs[at]]
      if (part.lengths !== undefined) lengths?.set(part.lengths, first)
      return { tag: reference.tag, count: part.count, chain, table }
    },
  )
  return { count: stream.chunks, tags, packs, table: [...index.keys()], lengths, parts }
}

/** Reads the whole chain at once, then applies it from the full part on. */
async function readPart(store: Store, ring: KeyRing, tag: Uint8Array, chain: readonly ChainLink[], forWhom: string): Promise<Part> {
  const frames = await Promise.all(chain.map((link) => readLink(store, ring, link, forWhom)))
  try {
    let expected: Uint8Array | undefined = tag
    frames.forEach((frame, at) => {
      const damaged = expected === undefined || !unitTag(ring, frame).equals(expected)
      if (damaged) throw damagedPack(chain[at].pack, forWhom, 'a recipe part in it is not the one that is named')
      expected = baseOf(frame)
    })
    if (expected !== undefined) throw damagedPack(chain[0].pack, forWhom, 'the chain of a recipe part has no end')
    return frames.reduceRight<Part | undefined>((base, frame) => decodePart(frame, base), undefined)!
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw damagedPack(chain[0].pack, forWhom, `a recipe part in it cannot be read: ${error.message}`)
  }
}

async function readLink(store: Store, ring: KeyRing, link: ChainLink, forWhom: string): Promise<Buffer> {
  const bytes = await readPackRange(store, link.pack, { offset: link.offset, length: link.storedBytes }, forWhom)
  const plain = openUnitFrame(ring, link.epoch, bytes)
  if (plain === undefined) throw damagedPack(link.pack, forWhom, 'a recipe part in it does not open')
  return plain
}
