import type { Store } from '@kpipe/engine/contracts'
import type { LogState, PackRecord, SnapshotRecord } from '../log/state.ts'
import { packName, packsPrefix } from '../packs/pack-name.ts'
import type { Snapshot } from '../snapshot.ts'
import type { DamageList } from './damage.ts'

/** A pack and the ids of the snapshots that need it. */
export interface NeededPack {
  readonly pack: PackRecord
  readonly snapshots: readonly string[]
}

/** Packs of these snapshots, by number. */
export function neededPacks(state: LogState, snapshots: Iterable<SnapshotRecord>): NeededPack[] {
  const needed = new Map<number, string[]>()
  for (const { id, packs } of snapshots) {
    for (const number of packs) {
      const ids = needed.get(number)
      if (ids === undefined) needed.set(number, [id])
      else ids.push(id)
    }
  }
  const list = [...needed].map(([number, ids]) => ({ pack: state.packs.get(number)!, snapshots: ids }))
  return list.toSorted((one, other) => one.pack.number - other.pack.number)
}

/** Those that are there with their size; what is wrong with the others is noted. */
export async function presentPacks(store: Store, needed: readonly NeededPack[], damages: DamageList): Promise<NeededPack[]> {
  const sizes = await packSizes(store)
  return needed.filter(({ pack, snapshots }) => {
    const name = packName(pack.id)
    const bytes = sizes.get(name)
    if (bytes === undefined) damages.add(name, 'it is missing', snapshots)
    else if (bytes !== pack.bytes) damages.add(name, `it has ${bytes} bytes instead of ${pack.bytes}`, snapshots)
    return bytes === pack.bytes
  })
}

/**
 * The newest of `candidates` whose packs are all there with their sizes.
 * @param candidates oldest first
 * @param without an object that it must not need
 */
export async function newestIntact(
  store: Store,
  state: LogState,
  candidates: readonly Snapshot[],
  without: string | undefined,
): Promise<Snapshot | undefined> {
  const sizes = await packSizes(store)
  return candidates.findLast(({ id }) => {
    const packs = state.snapshots.get(id)?.packs.map((number) => state.packs.get(number)!)
    return packs?.every((pack) => packName(pack.id) !== without && sizes.get(packName(pack.id)) === pack.bytes)
  })
}

async function packSizes(store: Store): Promise<Map<string, number>> {
  const sizes = new Map<string, number>()
  for await (const { name, bytes } of store.list(packsPrefix)) sizes.set(name, bytes)
  return sizes
}
