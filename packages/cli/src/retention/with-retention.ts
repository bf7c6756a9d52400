import type { Repository } from '@kpipe/repository'
import type { BackupOutcome } from '../backup/run-backup.ts'
import type { Terminal } from '../terminal.ts'
import type { Where } from '../where/open.ts'

/** A backup that was made, after the pipeline file's retention. */
export async function withRetention(
  outcome: BackupOutcome,
  repository: Repository,
  where: Where,
  context: { readonly terminal: Terminal; readonly signal: AbortSignal },
): Promise<BackupOutcome> {
  const retention = where.pipeline?.retention
  if (retention === undefined) return outcome
  const [{ retain }, { runPrune }] = await Promise.all([import('./retain.ts'), import('../prune/run-prune.ts')])
  const { snapshot, attention } = outcome
  const prune: Parameters<typeof retain>[0]['prune'] = (options) => runPrune({ repository, where, options, ...context })
  const retained = await retain({ repository, retention, snapshot, prune })
  return { ...outcome, retained, head: repository.head, attention: [...attention, ...retained.attention] }
}
