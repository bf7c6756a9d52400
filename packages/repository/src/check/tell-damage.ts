import type { KpipeError } from '@kpipe/engine/contracts'
import type { Losses } from '../damage/losses.ts'
import type { LogState, SnapshotRecord } from '../log/state.ts'
import { packName } from '../packs/pack-name.ts'
import type { DamageList } from './damage.ts'
import type { Finding, Findings } from './findings.ts'

/** A finding that hurts nobody. */
export interface Unneeded {
  readonly object: string
  readonly problem: string
}

/**
 * Puts together what was seen in objects and what snapshots lack.
 * @param records snapshots that are told of
 * @param unreadable ids of those whose manifest cannot be read
 */
export function tellDamage(
  records: readonly SnapshotRecord[],
  findings: Findings,
  losses: Losses,
  unreadable: ReadonlyMap<string, KpipeError>,
  damages: DamageList,
): Unneeded[] {
  const unneeded: Unneeded[] = []
  for (const { id, manifest } of records) {
    const error = unreadable.get(id)
    if (error === undefined || manifest instanceof Uint8Array || error.code === 'KPIPE_FORMAT_UNSUPPORTED') continue
    damages.add(packName(manifest.packId), error.message, [id])
  }
  const found = findings.all()
  for (const [object, finding] of found) {
    const ids = hurtBy(object, finding, records, losses, unreadable)
    for (const problem of finding.problems) {
      if (ids.size > 0) damages.add(object, problem, ids)
      else unneeded.push({ object, problem })
    }
  }
  for (const [object, ids] of losses.hurt) {
    if (found.has(object)) continue
    const isRecipe = [...ids].every((id) => losses.unreadable.has(id))
    damages.add(object, isRecipe ? 'a recipe in it cannot be read' : 'chunks that were in it are lost', ids)
  }
  return unneeded
}

function hurtBy(
  object: string,
  { pack, gone, units, beside }: Finding,
  records: readonly SnapshotRecord[],
  losses: Losses,
  unreadable: ReadonlyMap<string, KpipeError>,
): Set<string> {
  const ids = new Set(losses.hurt.get(object))
  for (const { id, packs, manifest } of records) {
    if (!packs.includes(pack.number)) continue
    // All that a snapshot uses of class M it needs, as far as can be told without reading it.
    const needsAll = beside || (gone && pack.class === 'M')
    const isBlind = losses.unreadable.has(id) || unreadable.has(id)
    const place = manifest instanceof Uint8Array ? undefined : manifest
    const manifestLost = place?.packId === pack.id && units.has(place.offset)
    if (needsAll || isBlind || manifestLost) ids.add(id)
  }
  return ids
}

/** Snapshots that may lack something. */
export function suspects(state: LogState, records: readonly SnapshotRecord[], findings: Findings): Set<string> {
  const numbers = new Set([...state.damaged.keys(), ...[...findings.all().values()].map(({ pack }) => pack.number)])
  return new Set(records.filter(({ packs }) => packs.some((number) => numbers.has(number))).map(({ id }) => id))
}
