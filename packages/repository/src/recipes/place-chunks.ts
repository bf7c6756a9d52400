import type { PackRecord } from '../log/state.ts'
import { giveBack } from '../give-back.ts'
import { mapLimit } from '../map-limit.ts'
import type { Directory } from '../packs/directory.ts'
import { PrefixTable } from '../packs/prefix-table.ts'
import type { ChunkGroup } from './locate-chunks.ts'
import type { Recipe } from './read-recipe.ts'

const directoriesAtOnce = 8
const tagBytes = 16

/** The place of every chunk of a recipe. */
export interface PlacedChunks {
  /** Ascending by number. */
  readonly packs: readonly { readonly pack: PackRecord; readonly directory: Directory }[]
  /** For each chunk an index into `packs`. */
  readonly packOf: Uint32Array
  /** For each chunk its index within the pack. */
  readonly indexOf: Uint32Array
}

/**
 * Looks every chunk up in the directories of the packs that may hold it.
 * @param groups as `locateChunks` makes them; their lists of chunks are given back
 * @param directoryOf read once a pack
 * @param notFound called for a chunk that none of its packs has; it throws, or the chunk's place stays that of chunk 0 of the first pack
 */
export async function placeChunks(
  recipe: Recipe,
  groups: readonly ChunkGroup[],
  directoryOf: (pack: PackRecord) => Promise<Directory>,
  notFound: (chunk: number, group: ChunkGroup) => void,
): Promise<PlacedChunks> {
  const needed = new Map(groups.flatMap((group) => group.packs).map((pack) => [pack.number, pack]))
  const sorted = [...needed.values()].toSorted((one, other) => one.number - other.number)
  const packs = await mapLimit(sorted, directoriesAtOnce, async (pack) => ({ pack, directory: await directoryOf(pack) }))
  const byNumber = new Map(packs.map(({ pack, directory }, index) => [pack.number, { index, directory }]))
  const tags = new Uint8Array(recipe.tags)
  const packOf = new Uint32Array(recipe.count)
  const indexOf = new Uint32Array(recipe.count)
  // Of one directory at a time: a table takes several times its memory.
  const byPack = Map.groupBy(groups, (group) => group.packs.map(({ number }) => number).join(' '))
  for (const same of byPack.values()) {
    const places = same[0].packs.map(({ number }) => byNumber.get(number)!)
    const tables = places.map(({ index, directory }) => ({ index, table: new PrefixTable(directory) }))
    for (const group of same) {
      for (const chunk of group.chunks) {
        const found = firstFound(tables, tags, chunk * tagBytes)
        if (found === undefined) notFound(chunk, group)
        else [packOf[chunk], indexOf[chunk]] = found
      }
    }
    for (const { table } of tables) table.release()
    for (const { chunks } of same) giveBack(chunks)
  }
  return { packs, packOf, indexOf }
}

function firstFound(
  tables: readonly { readonly index: number; readonly table: PrefixTable }[],
  tags: Uint8Array,
  offset: number,
): [number, number] | undefined {
  for (const { index, table } of tables) {
    const found = table.find(tags, offset)
    if (found !== undefined) return [index, found]
  }
  return undefined
}
