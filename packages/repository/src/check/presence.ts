import type { LogState, PackRecord, SnapshotRecord } from '../log/state.ts'
import { packName } from '../packs/pack-name.ts'
import type { Findings } from './findings.ts'

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
export function presentPacks(sizes: ReadonlyMap<string, number>, needed: readonly NeededPack[], findings: Findings): NeededPack[] {
  return needed.filter(({ pack }) => {
    const bytes = sizes.get(packName(pack.id))
    if (bytes === undefined) findings.addGone(pack, 'it is missing')
    else if (bytes !== pack.bytes) findings.addGone(pack, `it has ${bytes} bytes instead of ${pack.bytes}`)
    return bytes === pack.bytes
  })
}
