import { KpipeError } from '@kpipe/engine/contracts'
import { runRestore } from '../restore/run-restore.ts'
import type { RestoreOutcome, RestoreRun } from '../restore/run-restore.ts'
import { runSalvage } from './run-salvage.ts'
import type { Salvaged } from './run-salvage.ts'

/**
 * Restores a snapshot, or of one that is not whole what is left.
 * @param path where it goes: what is in the making lies beside it
 * @throws KpipeError as a restore does, also when nothing is left
 */
export async function restoreOrSalvage(
  run: RestoreRun,
  path: string,
): Promise<Pick<RestoreOutcome, 'made'> & { readonly salvaged?: Salvaged }> {
  try {
    return await runRestore(run)
  } catch (error) {
    const isOfBytes = error instanceof KpipeError && error.exitCode === 65
    if (!isOfBytes || typeof run.snapshot.facts['status_hash'] !== 'number') throw error
    run.onRemark(error.message)
    const salvaged = await runSalvage({ ...run, path })
    if (salvaged === undefined) throw error
    return { made: salvaged.made, salvaged }
  }
}
