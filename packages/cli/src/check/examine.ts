import type { CheckReport, ReadShare, Repository, Snapshot } from '@kpipe/repository'
import { openProgress } from '../progress/progress.ts'
import { codecFinder } from '../restore/codec-finder.ts'
import { hasherOf } from '../restore/hasher.ts'
import type { Terminal } from '../terminal.ts'
import { threads } from '../threads.ts'
import type { Where } from '../where/open.ts'
import { checkDatabases } from './check-databases.ts'
import type { DatabaseReport } from './check-databases.ts'
import { proveFrames } from './prove-frame.ts'

export interface Examination {
  readonly repository: Repository
  readonly where: Where
  /** Undefined for all of the repository. */
  readonly selected: readonly Snapshot[] | undefined
  /** Of the packs, to be read in whole. */
  readonly share: ReadShare | undefined
  readonly etcd: boolean
  readonly terminal: Terminal
  readonly signal: AbortSignal
}

/** Looks at the repository, and then into the databases; threads are started only for what needs them. */
export async function examine(
  examination: Examination,
): Promise<{ readonly report: CheckReport; readonly databases: DatabaseReport | undefined }> {
  const { repository, where, selected, share, terminal, signal } = examination
  const hash = await hasherOf(repository, where.stages)
  const codec = codecFinder(where.stages, where.pipeline, where.overrides)
  const progress = await openProgress(terminal, 'checking')
  const onProgress = (bytes: number, totalBytes: number): void => progress.update(bytes, totalBytes)
  try {
    const read = share && { share, prove: proveFrames(await threads(), hash, codec, repository.tagKey) }
    const report = await repository.check({ snapshots: selected?.map(({ id }) => id), read, signal, onProgress })
    if (!examination.etcd) return { report, databases: undefined }
    const snapshots = selected ?? repository.snapshots()
    const workers = await threads()
    const databases = await checkDatabases({ repository, snapshots, stages: where.stages, hash, codec, workers, signal, onProgress })
    return { report, databases }
  } finally {
    progress.stop()
  }
}
