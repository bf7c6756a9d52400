import { KpipeError } from '@kpipe/engine/contracts'
import type { Store } from '@kpipe/engine/contracts'
import { withReserve } from '../collection/reserve.ts'
import type { Log } from '../log/log.ts'
import type { LogState } from '../log/state.ts'
import type { SnapshotList } from '../snapshot-list.ts'
import { alwaysStaying } from './choose.ts'

/**
 * Appends a FORGET entry. Of each name the newest snapshot stays, the newest without doubt, and the newest that is proven to boot, whatever
 * is asked; ones that others make meanwhile are newer.
 * @param ids 64 hex digits each
 * @throws KpipeError KPIPE_USAGE for one that stays, KPIPE_APPEND_LOST when another process was faster to forget one of them
 */
export async function forgetSnapshots(log: Log, snapshots: SnapshotList, store: Store, ids: readonly string[]): Promise<void> {
  for (const [name, group] of Map.groupBy(snapshots.all(log.state), ({ name }) => name)) {
    for (const { id, what } of alwaysStaying(group)) {
      if (!ids.includes(id)) continue
      throw new KpipeError('KPIPE_USAGE', `snapshot ${id.slice(0, 12)} is ${what} of ${name}, which always stays`, { snapshot: id })
    }
  }
  const payload = { kind: 'FORGET', time: Date.now(), snapshots: ids.map((id) => Buffer.from(id, 'hex')) } as const
  const demandThere = (state: LogState): void => {
    const gone = ids.find((id) => !state.snapshots.has(id))
    if (gone === undefined) return
    const text = `snapshot ${gone.slice(0, 12)} at ${store.location} is not there any more: another process has forgotten it`
    throw new KpipeError('KPIPE_APPEND_LOST', text, { snapshot: gone })
  }
  // A full store gets room by forgetting.
  await withReserve(store, () => log.append(payload, demandThere))
}
