import { KpipeError } from '@kpipe/engine/contracts'
import type { Repository, Snapshot } from '@kpipe/repository'
import { withHint } from '../failure.ts'
import type { RestoreTarget } from './restore-target.ts'

/**
 * The snapshot that is meant. Where a data directory is made, `--name` is the member's, as etcdutl has it.
 * @throws KpipeError KPIPE_UNKNOWN_SNAPSHOT, KPIPE_AMBIGUOUS_SNAPSHOT; KPIPE_USAGE when it must be of etcd and is not
 */
export function findSnapshot(
  repository: Repository,
  reference: string,
  { use }: Pick<RestoreTarget, 'use'>,
  flags: { readonly name?: string | undefined; readonly 'snapshot-name'?: string | undefined },
): Snapshot {
  const name = flags['snapshot-name'] ?? (use === 'file' ? flags.name : undefined)
  try {
    const snapshot = repository.find(reference, name === undefined ? {} : { name })
    if (use === 'file' || typeof snapshot.facts['status_hash'] === 'number') return snapshot
    throw new KpipeError('KPIPE_USAGE', `snapshot ${snapshot.shortId} of ${snapshot.name} holds no etcd database`, {
      snapshot: snapshot.id,
    })
  } catch (error) {
    if (use === 'file' || !(error instanceof KpipeError) || error.code !== 'KPIPE_AMBIGUOUS_SNAPSHOT') throw error
    throw withHint(error, 'Give more digits of the id, or choose with --snapshot-name; `kpipe snapshots` lists them.')
  }
}
