import type { PruneOptions, PruneReport, Repository } from '@kpipe/repository'
import { openProgress } from '../progress/progress.ts'
import { codecFinder } from '../restore/codec-finder.ts'
import { hasherOf } from '../restore/hasher.ts'
import type { Terminal } from '../terminal.ts'
import { threads } from '../threads.ts'
import type { Where } from '../where/open.ts'
import { recodeFrames } from './recode-frames.ts'

export interface PruneRun {
  readonly repository: Repository
  readonly where: Where
  readonly options: Omit<PruneOptions, 'recode' | 'signal' | 'onProgress'>
  readonly terminal: Terminal
  readonly signal: AbortSignal
}

/** Threads are started only when frames must be written anew. */
export async function runPrune({ repository, where, options, terminal, signal }: PruneRun): Promise<PruneReport> {
  const hash = await hasherOf(repository, where.stages)
  const codec = codecFinder(where.stages, where.pipeline, where.overrides)
  const recode = recodeFrames({ workers: threads, hash, codec, tagKey: repository.tagKey })
  const progress = await openProgress(terminal, 'pruning')
  try {
    const onProgress = (bytes: number, totalBytes: number): void => progress.update(bytes, totalBytes)
    return await repository.prune({ ...options, recode, signal, onProgress })
  } finally {
    progress.stop()
  }
}
