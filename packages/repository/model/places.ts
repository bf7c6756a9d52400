import { placesOf } from '../src/log/places.ts'
import type { LogState } from '../src/log/state.ts'
import { packHex, shortPack, snapshotHex, tagHex } from './world.ts'
import type { World } from './world.ts'

/** Packs in which a reader looks for a chunk that a snapshot's recipe names in `pack`, in this order. */
export function packsOf(state: LogState, snapshot: string, pack: string, tag: string): string[] {
  return placesOf(state, snapshotHex(snapshot))
    .ofChunk(packHex(pack), tagHex(tag))
    .map(({ id }) => shortPack(id))
}

/** The one whose directory lists it. */
export function listing({ made }: World, packs: readonly string[], tag: string): string | undefined {
  return packs.find((pack) => made.get(pack)?.tags.includes(tag))
}

/** What becomes of a reader who knows the whole log: it reads all directories of the packs, then the chunk. */
export function chunkOf(world: World, snapshot: string, tag: string): { readonly problem?: string; readonly rottenIn?: string } {
  const named = world.recipes.get(snapshot)![tag]
  const packs = packsOf(world.state, snapshot, named, tag)
  if (packs.length === 0) return { problem: `no pack has chunk ${tag} of snapshot ${snapshot}, named in ${named}` }
  const gone = packs.find((pack) => !world.objects.has(pack))
  if (gone !== undefined) return { problem: `pack ${gone}, where chunk ${tag} of snapshot ${snapshot} is to be had, is not in the store` }
  const pack = listing(world, packs, tag)
  if (pack === undefined) return { problem: `chunk ${tag} of snapshot ${snapshot}, named in ${named}, is not in ${packs.join(', ')}` }
  if (!world.rotten.has(`${tag} ${pack}`)) return {}
  return { problem: `chunk ${tag} of snapshot ${snapshot} is rotten in ${pack}`, rottenIn: pack }
}
