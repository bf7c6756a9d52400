import type { Places } from '../log/places.ts'
import type { PackRecord } from '../log/state.ts'
import type { Recipe } from './read-recipe.ts'

const tagBytes = 16

/** Chunks of a recipe that are to be had in the same packs. */
export interface ChunkGroup {
  /** Id of the pack that the recipe names. */
  readonly named: string
  /** Mostly one. None: the chunks are lost. Several: each chunk is in one of them, which their directories tell. */
  readonly packs: readonly PackRecord[]
  /** Whether they may be in none of these either: others that may have held them have lost them, or they were not taken along. */
  readonly partial: boolean
  /** Ascending. */
  readonly chunks: Uint32Array
}

/** Where all chunks of a recipe are, from the log alone. */
export function locateChunks(recipe: Recipe, places: Places): ChunkGroup[] {
  const groups = chunksByPack(recipe).map(({ index, chunks }) => ({ named: recipe.table[index], chunks }))
  if (!places.exceptions) return groups.map(({ named, chunks }) => ({ named, packs: places.of(named), partial: false, chunks }))
  return groups.flatMap(({ named, chunks }) => splitGroup(recipe, places, named, chunks))
}

/** Some chunks may be lost in their pack, or be had elsewhere. */
function splitGroup(recipe: Recipe, places: Places, named: string, chunks: Uint32Array): ChunkGroup[] {
  const tags = Buffer.from(recipe.tags)
  const all = places.of(named)
  const isReplaced = all[0]?.id !== named
  const split = new Map<string, Omit<ChunkGroup, 'chunks'> & { readonly chunks: number[] }>()
  for (const chunk of chunks) {
    const tag = tags.toString('hex', chunk * tagBytes, (chunk + 1) * tagBytes)
    const packs = places.ofChunk(named, tag)
    const isElsewhere = !packs.every((pack) => all.includes(pack))
    const partial = packs.length > 0 && !isElsewhere && (packs.length < all.length || (isReplaced && places.wasHealed(tag)))
    const key = `${packs.map(({ number }) => number).join(' ')} ${partial}`
    const group = split.get(key) ?? { named, packs, partial, chunks: [] }
    group.chunks.push(chunk)
    split.set(key, group)
  }
  return [...split.values()].map((group) => ({ ...group, chunks: Uint32Array.from(group.chunks) }))
}

/** Chunk numbers of each pack, by index into the recipe's table. */
function chunksByPack({ packs, table, count }: Recipe): { index: number; chunks: Uint32Array }[] {
  const sizes = new Uint32Array(table.length)
  for (let chunk = 0; chunk < count; chunk++) sizes[packs[chunk]] += 1
  const lists = Array.from(sizes, (size) => new Uint32Array(size))
  sizes.fill(0)
  for (let chunk = 0; chunk < count; chunk++) lists[packs[chunk]][sizes[packs[chunk]]++] = chunk
  return lists.map((chunks, index) => ({ index, chunks })).filter(({ chunks }) => chunks.length > 0)
}
