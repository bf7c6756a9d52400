import type { Store } from '@kpipe/engine/contracts'
import type { KeyRing } from '../keys/key-ring.ts'
import { placesOf } from '../log/places.ts'
import type { LogState } from '../log/state.ts'
import { locateChunks } from '../recipes/locate-chunks.ts'
import type { ChunkGroup } from '../recipes/locate-chunks.ts'
import { readRecipe } from '../recipes/read-recipe.ts'
import type { Recipe } from '../recipes/read-recipe.ts'
import { nameOf } from '../snapshot.ts'
import type { Snapshot } from '../snapshot.ts'

/** The recipe of one stream, with the packs in which its chunks are now. */
export interface PlacedRecipe {
  readonly recipe: Recipe
  readonly tags: Uint8Array
  readonly groups: readonly ChunkGroup[]
}

/** Those of all streams of a snapshot, one after the other. @throws KpipeError KPIPE_OBJECT_MISSING, KPIPE_DAMAGED */
export async function* placedRecipes(
  store: Store,
  ring: KeyRing,
  state: LogState,
  { id, manifest, ...names }: Snapshot,
): AsyncGenerator<PlacedRecipe, void> {
  const places = placesOf(state, id)
  for (const stream of manifest.streams) {
    const recipe = await readRecipe({ store, ring, places }, manifest, stream, nameOf({ id, manifest, ...names }))
    yield { recipe, tags: new Uint8Array(recipe.tags), groups: locateChunks(recipe, places) }
  }
}

export function hexTag(tags: Uint8Array, chunk: number): string {
  return Buffer.from(tags.buffer, tags.byteOffset + chunk * 16, 16).toString('hex')
}
