import { KpipeError } from '@kpipe/engine/contracts'
import type { Log } from '../log/log.ts'
import type { SnapshotList } from '../snapshot-list.ts'

/**
 * Appends a FORGET entry. Of each name the newest snapshot stays, whatever is asked; ones that others make meanwhile are newer.
 * @param ids 64 hex digits each
 * @throws KpipeError KPIPE_USAGE for the newest of a name, KPIPE_APPEND_LOST when another process was faster to forget one of them
 */
export async function forgetSnapshots(log: Log, snapshots: SnapshotList, location: string, ids: readonly string[]): Promise<void> {
  const newest = new Map(snapshots.all(log.state).map(({ id, name }) => [name, id]))
  for (const [name, id] of newest) {
    if (!ids.includes(id)) continue
    throw new KpipeError('KPIPE_USAGE', `snapshot ${id.slice(0, 12)} is the newest of ${name}, which always stays`, { snapshot: id })
  }
  const payload = { kind: 'FORGET', time: Date.now(), snapshots: ids.map((id) => Buffer.from(id, 'hex')) } as const
  await log.append(payload, (state) => {
    const gone = ids.find((id) => !state.snapshots.has(id))
    if (gone === undefined) return
    const text = `snapshot ${gone.slice(0, 12)} at ${location} is not there any more: another process has forgotten it`
    throw new KpipeError('KPIPE_APPEND_LOST', text, { snapshot: gone })
  })
}
