import { KpipeError } from '@kpipe/engine/contracts'
import type { Log } from './log/log.ts'
import { nameOf } from './snapshot.ts'
import type { Snapshot } from './snapshot.ts'

const maxTries = 4

/**
 * Runs `work`, which reads a snapshot. When an object is missing because a collection has put others in its place meanwhile, the
 * log is read again and `work` begins anew.
 * @param mayRepeat whether what `work` has done so far can be done again
 * @throws what `work` throws; KPIPE_UNKNOWN_SNAPSHOT when the snapshot was forgotten meanwhile
 */
export async function reading<Result>(
  log: Log,
  snapshot: Snapshot,
  work: () => Promise<Result>,
  mayRepeat: () => boolean = () => true,
): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    const before = log.state.snapshots.get(snapshot.id)?.packs
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof KpipeError) || error.code !== 'KPIPE_OBJECT_MISSING' || before === undefined) throw error
      if (attempt === maxTries || !mayRepeat()) throw error
      await log.refresh()
      const now = log.state.snapshots.get(snapshot.id)?.packs
      if (now === undefined) {
        const text = `${nameOf(snapshot)} was forgotten by another process while it was read`
        throw new KpipeError('KPIPE_UNKNOWN_SNAPSHOT', text, { snapshot: snapshot.id }, { cause: error })
      }
      if (now.join() === before.join()) throw error
    }
  }
}
