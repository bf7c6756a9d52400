import { resolve } from 'node:path'
import { restore, useStage } from '@kpipe/engine'
import type { Pipeline, RestoreReport, StageLoader, Workers } from '@kpipe/engine'
import type { TargetStage } from '@kpipe/engine/contracts'
import type { Repository, Snapshot } from '@kpipe/repository'
import { codecFinder } from './codec-finder.ts'
import { hasherOf } from './hasher.ts'
import { naming } from './naming.ts'

export interface RestoreRun {
  readonly repository: Repository
  readonly snapshot: Snapshot
  /** A path, or `-` for standard output. */
  readonly to: string
  readonly stages: StageLoader
  readonly pipeline: Pipeline | undefined
  /** Names given with `--stage`. */
  readonly overrides: readonly string[]
  readonly workers: Workers
  readonly signal: AbortSignal
  onProgress(bytes: number, totalBytes: number | undefined): void
}

/** Writes a snapshot back. The target refuses an existing path before anything is read, and shows nothing before all is checked. */
export async function runRestore(run: RestoreRun): Promise<RestoreReport> {
  const { repository, snapshot, stages, signal } = run
  const path = run.to === '-' ? '-' : resolve(run.to)
  const { stage, settings } = await useStage(stages, 'target', 'file', { path }, process.cwd())
  const hash = await hasherOf(repository, stages)
  const codec = codecFinder(stages, run.pipeline, run.overrides)
  return naming(snapshot, async () => {
    const target = await (stage as TargetStage).open(settings as never, { signal, bytes: snapshot.bytes })
    const stream = await repository.openStream(snapshot).catch(async (error: unknown) => {
      await target.abort()
      throw error
    })
    const { workers } = run
    return restore({
      stream,
      target,
      hash,
      codec,
      workers,
      signal,
      onProgress: ({ bytes, totalBytes }) => run.onProgress(bytes, totalBytes),
    })
  })
}
