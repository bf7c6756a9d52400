import { restore, useStage } from '@kpipe/engine'
import type { Pipeline, RestoreReport, StageLoader, Workers } from '@kpipe/engine'
import type { Facts, TargetContext, TargetStage } from '@kpipe/engine/contracts'
import type { Repository, Snapshot } from '@kpipe/repository'
import { codecFinder } from './codec-finder.ts'
import { hasherOf } from './hasher.ts'
import { naming } from './naming.ts'
import type { RestoreTarget } from './restore-target.ts'

export interface RestoreRun {
  readonly repository: Repository
  readonly snapshot: Snapshot
  readonly to: Pick<RestoreTarget, 'use' | 'settings'>
  /** Name of an attachment; default: the database. */
  readonly stream?: string
  readonly stages: StageLoader
  readonly pipeline: Pipeline | undefined
  /** Names given with `--stage`. */
  readonly overrides: readonly string[]
  readonly workers: Workers
  readonly signal: AbortSignal
  onProgress(bytes: number, totalBytes: number | undefined): void
  /** Something about what was made that the user should know. */
  onRemark(message: string): void
}

export interface RestoreOutcome extends RestoreReport {
  /** What the target says of what it made; nothing of a file. */
  readonly made: Facts
}

/** Writes a snapshot back. The target refuses an existing path before anything is read, and shows nothing before all is checked. */
export async function runRestore(run: RestoreRun): Promise<RestoreOutcome> {
  const { repository, snapshot, stages, signal } = run
  const { stage, settings } = await useStage(stages, 'target', run.to.use, run.to.settings, process.cwd())
  const hash = await hasherOf(repository, stages)
  const codec = codecFinder(stages, run.pipeline, run.overrides)
  let isWritten = false
  const work = async (): Promise<RestoreOutcome> => {
    let made: Facts = {}
    const context: TargetContext = {
      signal,
      bytes: bytesOf(run),
      facts: snapshot.facts,
      warn: (message) => run.onRemark(message),
      made: (facts) => void (made = facts),
    }
    const target = await (stage as TargetStage).open(settings as never, context)
    const stream = await repository.openStream(snapshot, run.stream).catch(async (error: unknown) => {
      await target.abort()
      throw error
    })
    const { workers } = run
    const report = await restore({
      stream,
      target,
      hash,
      codec,
      workers,
      signal,
      onProgress({ bytes, totalBytes }) {
        isWritten = true
        run.onProgress(bytes, totalBytes)
      },
    })
    return { ...report, made }
  }
  // What went to standard output cannot be taken back.
  const mayRepeat = (): boolean => !isWritten || settings['path'] !== '-'
  return naming(snapshot, () => repository.reading(snapshot, work, mayRepeat))
}

function bytesOf({ snapshot, stream }: RestoreRun): number {
  return stream === undefined ? snapshot.bytes : (snapshot.manifest.streams.find(({ name }) => name === stream)?.bytes ?? 0)
}
