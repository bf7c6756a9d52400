import { KpipeError } from '@kpipe/engine/contracts'
import type { KnownChunks, Store } from '@kpipe/engine/contracts'
import type { KeyRing } from './keys/key-ring.ts'
import { placesOf } from './log/places.ts'
import type { Places } from './log/places.ts'
import type { LogState } from './log/state.ts'
import { packName, packsPrefix } from './packs/pack-name.ts'
import { locateChunks } from './recipes/locate-chunks.ts'
import { readRecipe } from './recipes/read-recipe.ts'
import type { Recipe } from './recipes/read-recipe.ts'
import { nameOf } from './snapshot.ts'
import type { Snapshot } from './snapshot.ts'

const maxTries = 4
const tagBytes = 16

/** A snapshot that a new one is stored as a change of. */
export interface Parent {
  readonly snapshot: Snapshot
  readonly recipe: Recipe
  readonly known: KnownChunks
  /** What is wrong with it, in sentences. */
  readonly attention: readonly string[]
}

export interface ParentOptions {
  readonly store: Store
  readonly ring: KeyRing
  readonly state: LogState
  /** Those that could be it, oldest first. */
  readonly candidates: readonly Snapshot[]
  /** Sizes of the pack objects that the store lists, by name. */
  readonly listed: Promise<ReadonlyMap<string, number>>
}

/** Sizes of all pack objects. */
export async function listPacks(store: Store): Promise<Map<string, number>> {
  const sizes = new Map<string, number>()
  for await (const { name, bytes } of store.list(packsPrefix)) sizes.set(name, bytes)
  return sizes
}

/** The newest candidate whose recipe can be read; chunks in packs that are not there count as lost and get a tag of zeros. */
export async function loadParent({
  store,
  ring,
  state,
  candidates,
  listed,
}: ParentOptions): Promise<{ parent: Parent | undefined; attention: readonly string[] }> {
  const attention: string[] = []
  for (const snapshot of candidates.toReversed().slice(0, maxTries)) {
    try {
      const { manifest } = snapshot
      const places = placesOf(state, snapshot.id)
      const stored = await readRecipe({ store, ring, places }, manifest, manifest.streams[0], nameOf(snapshot))
      const { recipe, lost } = followChunks(stored, places, await listed)
      if (lost !== undefined) attention.push(lost)
      const known = { plan: manifest.streams[0].chunking, count: recipe.count, tags: recipe.tags }
      return { parent: { snapshot, recipe, known, attention }, attention }
    } catch (error) {
      if (!(error instanceof KpipeError) || (error.code !== 'KPIPE_DAMAGED' && error.code !== 'KPIPE_OBJECT_MISSING')) throw error
      attention.push(error.message)
    }
  }
  return { parent: undefined, attention }
}

/**
 * Has the recipe name the packs in which its chunks are now. Chunks that are in none, or in packs that are not there, count as
 * lost and get a tag of zeros; so do those of which the log does not tell in which of several packs they are.
 */
function followChunks(recipe: Recipe, places: Places, listed: ReadonlyMap<string, number>): { recipe: Recipe; lost: string | undefined } {
  const tags = new Uint8Array(recipe.tags)
  const packs = Uint32Array.from(recipe.packs)
  const index = new Map(recipe.table.map((id, at) => [id, at]))
  const lostIn = new Set<string>()
  let lost = 0
  for (const { named, packs: current, chunks } of locateChunks(recipe, places)) {
    const [pack] = current
    const isThere = current.length === 1 && listed.get(packName(pack.id)) === pack.bytes
    if (isThere && pack.id === named) continue
    if (isThere) {
      if (!index.has(pack.id)) index.set(pack.id, index.size)
      for (const chunk of chunks) packs[chunk] = index.get(pack.id)!
      continue
    }
    for (const chunk of chunks) tags.fill(0, chunk * tagBytes, (chunk + 1) * tagBytes)
    if (current.length > 1) continue
    lost += chunks.length
    lostIn.add(packName(pack?.id ?? named))
  }
  const names = [...lostIn]
  const shown = names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ')
  const sentence = `${shown} missing or damaged: ${lost} chunks are stored again as far as they still exist`
  return { recipe: { ...recipe, packs, table: [...index.keys()] }, lost: lost === 0 ? undefined : sentence }
}
