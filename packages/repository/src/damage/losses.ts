import { KpipeError } from '@kpipe/engine/contracts'
import type { Store } from '@kpipe/engine/contracts'
import type { KeyRing } from '../keys/key-ring.ts'
import { placesOf } from '../log/places.ts'
import type { LogState } from '../log/state.ts'
import { packName } from '../packs/pack-name.ts'
import type { Snapshot } from '../snapshot.ts'
import { hexTag, placedRecipes } from './placed-recipes.ts'

/** What snapshots lack, by the log's own word. */
export interface Losses {
  /** Names of objects in which a snapshot has lost something, with the ids of these snapshots. */
  readonly hurt: Map<string, Set<string>>
  /** Ids of snapshots with a recipe that cannot be read: what else they lack is unknown. */
  readonly unreadable: Set<string>
  /** In hex: chunks that are in no pack for at least one snapshot. */
  readonly tags: Set<string>
}

/** Reads the recipes of these snapshots and tells what of them is lost. */
export async function findLosses(
  store: Store,
  ring: KeyRing,
  state: LogState,
  snapshots: Iterable<Snapshot>,
  signal?: AbortSignal,
): Promise<Losses> {
  const losses: Losses = { hurt: new Map(), unreadable: new Set(), tags: new Set() }
  const hurt = (object: string, id: string): void => {
    const ids = losses.hurt.get(object) ?? new Set()
    losses.hurt.set(object, ids.add(id))
  }
  for (const snapshot of snapshots) {
    signal?.throwIfAborted()
    const places = placesOf(state, snapshot.id)
    try {
      for await (const { tags, groups } of placedRecipes(store, ring, state, snapshot)) {
        for (const { named, packs, chunks } of groups) {
          if (packs.length > 0) continue
          hurt(packName(places.of(named)[0]?.id ?? named), snapshot.id)
          for (const chunk of chunks) losses.tags.add(hexTag(tags, chunk))
        }
      }
    } catch (error) {
      const object = damagedObject(error)
      if (object === undefined) throw error
      hurt(object, snapshot.id)
      losses.unreadable.add(snapshot.id)
    }
  }
  return losses
}

/** Live snapshots that use a pack in which chunks are lost: no other can lack one. */
export function usersOfDamaged(state: LogState, snapshots: readonly Snapshot[]): Snapshot[] {
  if (state.damaged.size === 0) return []
  return snapshots.filter(({ id }) => state.snapshots.get(id)?.packs.some((number) => state.damaged.has(number)))
}

/** The object that an error proves to be missing or damaged; undefined for any other fault. */
export function damagedObject(error: unknown): string | undefined {
  if (!(error instanceof KpipeError) || error.exitCode !== 65) return undefined
  const { object } = error.details
  return typeof object === 'string' ? object : 'an object without a name'
}
