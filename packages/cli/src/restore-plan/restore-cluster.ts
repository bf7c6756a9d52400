import { KpipeError } from '@kpipe/engine/contracts'
import { openProgress } from '../progress/progress.ts'
import { demandDigest } from '../restore/expected-digest.ts'
import { findSnapshot } from '../restore/find-snapshot.ts'
import { suggesting } from '../restore/instead.ts'
import type { Terminal } from '../terminal.ts'
import { threads } from '../threads.ts'
import { locate, openLocated } from '../where/open.ts'
import type { WhereFlags } from '../where/open.ts'
import { tellRollback } from '../where/rollback.ts'
import { readClusterFile } from './cluster-file.ts'
import type { PlanFlags } from './plan-flags.ts'
import { demandDecided, doLocalPart, makeRestorePlan, tellRestorePlan } from './run-restore-plan.ts'

export interface ClusterRestore {
  readonly flags: PlanFlags & WhereFlags & { readonly 'snapshot-name'?: string | undefined; readonly 'expect-digest'?: string | undefined }
  /** Undefined where the plan names it. */
  readonly reference: string | undefined
  readonly terminal: Terminal
  readonly signal: AbortSignal
}

/** Plans the restore of a whole cluster, or does this host's part of a plan. Resolves with the exit code. */
export async function restoreCluster({ flags, reference, terminal, signal }: ClusterRestore): Promise<number> {
  const cluster = flags.plan === undefined ? undefined : await readClusterFile(flags.plan)
  const local = flags['execute-local'] === true
  if (local) demandDecided(cluster)
  const wanted = reference ?? cluster?.snapshot
  if (wanted === undefined) throw new KpipeError('KPIPE_USAGE', 'restore: missing required arg snapshot')
  const workers = await threads()
  const where = await locate(flags)
  const repository = await openLocated(where, flags, { terminal, signal })
  // With --execute-local, --name is the member's.
  const snapshot = findSnapshot(
    repository,
    wanted,
    { use: 'etcd' },
    { 'snapshot-name': flags['snapshot-name'] ?? (local ? undefined : flags.name) },
  )
  for (const digest of [flags['expect-digest'], cluster?.digest]) demandDigest(snapshot, digest)
  const progress = local ? await openProgress(terminal, 'restoring') : undefined
  const remarks: string[] = []
  const run = {
    repository,
    snapshot,
    workers,
    signal,
    stages: where.stages,
    pipeline: where.pipeline,
    overrides: where.overrides,
    onProgress: (bytes: number, total: number | undefined) => progress?.update(bytes, total),
    onRemark: (message: string) => void remarks.push(message),
  }
  try {
    const words = flags.plan === undefined ? ['--plan-from-snapshot'] : ['--plan', flags.plan]
    const plan = await suggesting(repository, snapshot, flags, words, () => makeRestorePlan(cluster, run))
    if (local) await doLocalPart(plan, flags.name, run, terminal, remarks)
    else await tellRestorePlan(plan, where, flags, terminal)
  } finally {
    progress?.stop()
  }
  return tellRollback(repository, terminal)
}
