import { KpipeError } from '@kpipe/engine/contracts'
import type { Store } from '@kpipe/engine/contracts'
import type { KeyRing } from '../keys/key-ring.ts'
import { placesOf } from '../log/places.ts'
import type { LogState, PackRecord } from '../log/state.ts'
import { packName } from '../packs/pack-name.ts'
import { PrefixTable } from '../packs/prefix-table.ts'
import { readDirectory } from '../packs/read-directory.ts'
import type { ChunkGroup } from '../recipes/locate-chunks.ts'
import type { Snapshot } from '../snapshot.ts'
import { hexTag, placedRecipes } from './placed-recipes.ts'

const tagBytes = 16

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
  const directories = new Directories(store, ring)
  const hurt = (object: string, id: string): void => {
    const ids = losses.hurt.get(object) ?? new Set()
    losses.hurt.set(object, ids.add(id))
  }
  for (const snapshot of snapshots) {
    signal?.throwIfAborted()
    const places = placesOf(state, snapshot.id)
    try {
      for await (const { tags, groups } of placedRecipes(store, ring, state, snapshot)) {
        for (const group of groups) {
          const lost = await lostOf(group, tags, directories)
          if (lost.length === 0) continue
          const first = hexTag(tags, lost[0])
          const all = places.of(group.named)
          const holder = all.find(({ number }) => state.damaged.get(number)?.tags.has(first)) ?? all[0]
          hurt(packName(holder?.id ?? group.named), snapshot.id)
          for (const chunk of lost) losses.tags.add(hexTag(tags, chunk))
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

/** Chunks of a group that are in none of its packs. What cannot be read is no proof that a chunk was in it. */
async function lostOf({ packs, partial, chunks }: ChunkGroup, tags: Uint8Array, directories: Directories): Promise<readonly number[]> {
  if (packs.length === 0) return [...chunks]
  if (!partial) return []
  const tables = await Promise.all(packs.map((pack) => directories.tableOf(pack)))
  return [...chunks].filter((chunk) => tables.every((table) => table?.find(tags, chunk * tagBytes) === undefined))
}

/** Look-ups in the directories of packs, each read once. */
class Directories {
  readonly #store: Store
  readonly #ring: KeyRing
  readonly #tables = new Map<number, Promise<PrefixTable | undefined>>()

  constructor(store: Store, ring: KeyRing) {
    this.#store = store
    this.#ring = ring
  }

  /** Undefined when the directory cannot be read. */
  tableOf(pack: PackRecord): Promise<PrefixTable | undefined> {
    const known = this.#tables.get(pack.number) ?? this.#read(pack)
    this.#tables.set(pack.number, known)
    return known
  }

  async #read(pack: PackRecord): Promise<PrefixTable | undefined> {
    try {
      return new PrefixTable(await readDirectory(this.#store, this.#ring, pack, 'the check'))
    } catch (error) {
      if (damagedObject(error) === undefined) throw error
      return undefined
    }
  }
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
