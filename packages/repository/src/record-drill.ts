import { KpipeError } from '@kpipe/engine/contracts'
import { maxDrillNoteBytes } from './bounds.ts'
import type { Log } from './log/log.ts'
import type { Drill } from './snapshot.ts'

export type DrillResult = Pick<Drill, 'level' | 'passed' | 'note'>

/**
 * Appends a DRILLED entry; of a longer note its beginning.
 * @param id 64 hex digits
 * @throws KpipeError KPIPE_UNKNOWN_SNAPSHOT when the snapshot is not there, or not any more; KPIPE_APPEND_LOST, KPIPE_STORE_*
 */
export async function recordDrill(log: Log, id: string, { level, passed, note }: DrillResult): Promise<void> {
  const snapshot = Buffer.from(id, 'hex')
  await log.append({ kind: 'DRILLED', time: Date.now(), snapshot, level, passed, note: cut(note) }, (state) => {
    if (state.snapshots.has(id)) return
    throw new KpipeError('KPIPE_UNKNOWN_SNAPSHOT', `snapshot ${id.slice(0, 12)} is not there, or not any more`, { snapshot: id })
  })
}

/** At most so much of it as an entry takes, in whole characters. */
function cut(note: string): string {
  const bytes = Buffer.from(note)
  if (bytes.length <= maxDrillNoteBytes) return bytes.toString()
  let end = maxDrillNoteBytes
  // A byte 10xxxxxx goes on with a character.
  while ((bytes[end] & 0xc0) === 0x80) end -= 1
  return bytes.toString('utf8', 0, end)
}
