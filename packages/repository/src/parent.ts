import { KpipeError } from '@kpipe/engine/contracts'
import type { KnownChunks, Store } from '@kpipe/engine/contracts'
import type { KeyRing } from './keys/key-ring.ts'
import type { LogState } from './log/state.ts'
import { packName, packsPrefix } from './packs/pack-name.ts'
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
      const recipe = await readRecipe(store, ring, manifest, manifest.streams[0], nameOf(snapshot))
      const lost = zeroLostChunks(recipe, state, await listed)
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

function zeroLostChunks(recipe: Recipe, state: LogState, listed: ReadonlyMap<string, number>): string | undefined {
  const lost = recipe.table.map((id) => {
    const pack = state.packsById.get(id)
    return pack === undefined || listed.get(packName(id)) !== pack.bytes
  })
  if (!lost.includes(true)) return undefined
  const tags = new Uint8Array(recipe.tags)
  let chunks = 0
  const packs = new Set<string>()
  for (let chunk = 0; chunk < recipe.count; chunk++) {
    if (!lost[recipe.packs[chunk]]) continue
    tags.fill(0, chunk * tagBytes, (chunk + 1) * tagBytes)
    chunks += 1
    packs.add(packName(recipe.table[recipe.packs[chunk]]))
  }
  if (chunks === 0) return undefined
  const names = [...packs]
  const shown = names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ')
  return `${shown} missing or of another size: ${chunks} chunks are stored again as far as they still exist`
}
