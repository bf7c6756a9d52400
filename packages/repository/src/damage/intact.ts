import type { Store } from '@kpipe/engine/contracts'
import type { KeyRing } from '../keys/key-ring.ts'
import type { LogState, PackRecord } from '../log/state.ts'
import { packName } from '../packs/pack-name.ts'
import { listPacks } from '../parent.ts'
import type { Snapshot } from '../snapshot.ts'
import { damagedObject, findLosses } from './losses.ts'
import { placedRecipes } from './placed-recipes.ts'

/**
 * The newest of `candidates` whose recipe can be read, whose chunks are in packs that are there with their sizes, and of which none is
 * known to be lost.
 * @param candidates oldest first
 * @param without an object that it must not need
 */
export async function newestIntact(
  store: Store,
  ring: KeyRing,
  state: LogState,
  candidates: readonly Snapshot[],
  without: string | undefined,
): Promise<Snapshot | undefined> {
  const sizes = await listPacks(store)
  const isThere = (pack: PackRecord): boolean => packName(pack.id) !== without && sizes.get(packName(pack.id)) === pack.bytes
  for (const snapshot of candidates.toReversed()) {
    if (state.snapshots.has(snapshot.id) && (await needsOnly(store, ring, state, snapshot, isThere))) return snapshot
  }
  return undefined
}

/** Whether all chunks and recipe parts of a snapshot are in packs of that kind: what it lost may have been healed. */
async function needsOnly(
  store: Store,
  ring: KeyRing,
  state: LogState,
  snapshot: Snapshot,
  isThere: (pack: PackRecord) => boolean,
): Promise<boolean> {
  try {
    for await (const { recipe, groups } of placedRecipes(store, ring, state, snapshot)) {
      if (!groups.every(({ packs }) => packs.length > 0 && packs.every(isThere))) return false
      const links = recipe.parts.flatMap(({ chain }) => chain).map(({ pack }) => state.packsById.get(pack))
      if (!links.every((pack) => pack !== undefined && isThere(pack))) return false
    }
    if ((await findLosses(store, ring, state, [snapshot])).hurt.size > 0) return false
    const { manifest } = state.snapshots.get(snapshot.id)!
    const holder = manifest instanceof Uint8Array ? undefined : state.packsById.get(manifest.packId)
    return holder === undefined || isThere(holder)
  } catch (error) {
    if (damagedObject(error) === undefined) throw error
    return false
  }
}
