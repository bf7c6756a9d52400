import type { Store } from '@kpipe/engine/contracts'
import type { KeyRing } from '../keys/key-ring.ts'
import type { Manifest, ManifestStream } from '../manifest.ts'
import { KpipeError } from '@kpipe/engine/contracts'
import type { Places } from '../log/places.ts'
import { giveBack } from '../give-back.ts'
import { mapLimit } from '../map-limit.ts'
import { packName } from '../packs/pack-name.ts'
import { damagedPack, readPackRange } from '../packs/read-directory.ts'
import { openUnitFrame, unitTag } from '../packs/unit-frame.ts'
import { MovedUnits } from './moved-units.ts'
import { decodeChain } from './chain.ts'
import type { ChainLink } from './chain.ts'
import { baseOf, decodePart, partChunks } from './part.ts'
import type { Part } from './part.ts'

const partsAtOnce = 4
const tagBytes = 16

/** A recipe with one table of packs for all parts. */
export interface Recipe {
  readonly count: number
  /** 16 bytes a chunk. */
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
  /** Where its frames are now. */
  readonly chain: readonly ChainLink[]
  /** The part's own table, as indexes into the recipe's. */
  readonly table: readonly number[]
}

export interface RecipeContext {
  readonly store: Store
  readonly ring: KeyRing
  readonly places: Places
}

/** @throws KpipeError KPIPE_OBJECT_MISSING, KPIPE_DAMAGED */
export async function readRecipe(context: RecipeContext, manifest: Manifest, stream: ManifestStream, forWhom: string): Promise<Recipe> {
  const moved = new MovedUnits(context.store, context.ring, forWhom)
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
      const noted = decodeChain(reference.chain, manifest.recipe_packs)
      const { part, chain } = await readPart(context, moved, reference.tag, noted, forWhom)
      if (part.count !== reference.count || first + part.count > stream.chunks)
        throw damagedPack(chain[0].pack, forWhom, 'a recipe part in it has another length')
      const table = part.table.map(globalIndex)
      new Uint8Array(tags).set(part.tags, first * tagBytes)
      for (let at = 0; at < part.count; at++) packs[first + at] = table[part.packs[at]]
      if (part.lengths !== undefined) lengths?.set(part.lengths, first)
      giveBackPart(part)
      return { tag: reference.tag, count: part.count, chain, table }
    },
  )
  demandSum(lengths, stream.bytes, forWhom)
  return { count: stream.chunks, tags, packs, table: [...index.keys()], lengths, parts }
}

/** What a recipe writes is as much as the snapshot says, and no chunk is empty. */
function demandSum(lengths: Uint32Array | undefined, bytes: number, forWhom: string): void {
  if (lengths === undefined) return
  let sum = 0
  for (const length of lengths) sum += length
  if (sum !== bytes || lengths.includes(0))
    throw new KpipeError('KPIPE_DAMAGED', `the recipe of ${forWhom} is of ${sum} bytes, and the snapshot of ${bytes}`)
}

/** Reads the whole chain at once, as far as it lies where it was, then applies it from the full part on. */
async function readPart(
  context: RecipeContext,
  moved: MovedUnits,
  tag: Uint8Array,
  noted: readonly ChainLink[],
  forWhom: string,
): Promise<{ part: Part; chain: ChainLink[] }> {
  const inPlace = noted.map((link) => (isInPlace(context.places, link) ? readLink(context, link, forWhom) : undefined))
  for (const reading of inPlace) reading?.catch(() => undefined) // Thrown where it is awaited.
  const chain: ChainLink[] = []
  const frames: Buffer[] = []
  try {
    let expected: Uint8Array | undefined = tag
    for (const [at, link] of noted.entries()) {
      if (expected === undefined) throw damagedPack(link.pack, forWhom, 'a recipe part in it is not the one that is named')
      const current = inPlace[at] === undefined ? await moved.find(currentPacks(context.places, link, forWhom), expected) : link
      const frame = await (inPlace[at] ?? readLink(context, current, forWhom))
      if (!unitTag(context.ring, frame).equals(expected))
        throw damagedPack(current.pack, forWhom, 'a recipe part in it is not the one that is named')
      chain.push(current)
      frames.push(frame)
      expected = baseOf(frame)
    }
    if (expected !== undefined) throw damagedPack(noted[0].pack, forWhom, 'the chain of a recipe part has no end')
    return { part: frames.reduceRight<Part | undefined>(changed, undefined)!, chain }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw damagedPack(noted[0].pack, forWhom, `a recipe part in it cannot be read: ${error.message}`)
  }
}

/** The part that a frame makes of its base, which nobody needs any more, and neither the frame. */
function changed(base: Part | undefined, frame: Buffer): Part {
  const part = decodePart(frame, base)
  if (base !== undefined) giveBackPart(base)
  giveBack(frame)
  return part
}

function giveBackPart({ tags, packs, lengths }: Part): void {
  giveBack(tags)
  giveBack(packs)
  if (lengths !== undefined) giveBack(lengths)
}

/** Places within a pack hold while the pack itself is there; whoever takes over its parts puts them elsewhere. */
export function isInPlace(places: Places, link: ChainLink): boolean {
  return places.of(link.pack)[0]?.id === link.pack
}

export function currentPacks(places: Places, link: ChainLink, forWhom: string): ReturnType<Places['of']> {
  const packs = places.of(link.pack)
  if (packs.length > 0) return packs
  const object = packName(link.pack)
  throw new KpipeError('KPIPE_OBJECT_MISSING', `${object} is not in the log any more; ${forWhom} needs it`, { object })
}

export async function readLink({ store, ring }: RecipeContext, link: ChainLink, forWhom: string): Promise<Buffer> {
  const bytes = await readPackRange(store, link.pack, { offset: link.offset, length: link.storedBytes }, forWhom)
  const plain = openUnitFrame(ring, link.epoch, bytes)
  giveBack(bytes)
  if (plain === undefined) throw damagedPack(link.pack, forWhom, 'a recipe part in it does not open')
  return plain
}
