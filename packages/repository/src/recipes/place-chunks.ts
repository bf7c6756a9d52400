import type { PackRecord } from '../log/state.ts'
import { giveBack } from '../give-back.ts'
import type { Directory, DirectoryFrame } from '../packs/directory.ts'
import { PrefixTable } from '../packs/prefix-table.ts'
import { Directories } from './directories.ts'
import type { ChunkGroup } from './locate-chunks.ts'
import type { Recipe } from './read-recipe.ts'

const tagBytes = 16

/** The place of every chunk of a recipe. */
export interface PlacedChunks {
  /** Ascending by number. */
  readonly packs: readonly { readonly pack: PackRecord; readonly frames: readonly DirectoryFrame[] }[]
  /** For each chunk an index into `packs`. */
  readonly packOf: Uint32Array
  /** For each chunk its index within the pack. */
  readonly indexOf: Uint32Array
}

/**
 * Looks every chunk up in the directories of the packs that may hold it. Of a directory only the frames stay in memory.
 * @param recipe its `packs` become `packOf`
 * @param groups as `locateChunks` makes them; their lists of chunks are given back
 * @param directoryOf read once a pack, and given back
 * @param notFound called for a chunk that none of its packs has; it throws, or the chunk's place is chunk 0 of the first pack
 */
export async function placeChunks(
  recipe: Recipe,
  groups: readonly ChunkGroup[],
  directoryOf: (pack: PackRecord) => Promise<Directory>,
  notFound: (chunk: number, group: ChunkGroup) => void,
): Promise<PlacedChunks> {
  const byPack = [...Map.groupBy(groups, (group) => group.packs.map(({ number }) => number).join(' ')).values()]
  const directories = new Directories(
    byPack.map(([group]) => group.packs),
    directoryOf,
  )
  const tags = new Uint8Array(recipe.tags)
  const packOf = recipe.packs
  const indexOf = new Uint32Array(recipe.count)
  // Of one directory at a time: a table takes several times its memory.
  for (const same of byPack) {
    const tables = (await directories.next()).map(({ index, directory }) => ({ index, table: new PrefixTable(directory) }))
    for (const group of same) {
      // Streams have most chunks in the order of their packs. A page that is stored several times is read where it lies in that order.
      let likely = 0
      for (const chunk of group.chunks) {
        const found = firstFound(tables, tags, chunk * tagBytes, likely)
        if (found === undefined) notFound(chunk, group)
        const place = found ?? [0, 0]
        packOf[chunk] = place[0]
        indexOf[chunk] = place[1]
        likely = place[1] + 1
      }
    }
    for (const { table } of tables) table.release()
    for (const { chunks } of same) giveBack(chunks)
    directories.release()
  }
  return { packs: directories.packs, packOf, indexOf }
}

function firstFound(
  tables: readonly { readonly index: number; readonly table: PrefixTable }[],
  tags: Uint8Array,
  offset: number,
  likely: number,
): [number, number] | undefined {
  for (const { index, table } of tables) {
    const found = table.find(tags, offset, likely)
    if (found !== undefined) return [index, found]
  }
  return undefined
}
