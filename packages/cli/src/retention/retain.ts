import type { Retention } from '@kpipe/engine'
import { KpipeError } from '@kpipe/engine/contracts'
import { choose, misgivings } from '@kpipe/repository'
import type { PruneReport, Repository, Snapshot } from '@kpipe/repository'
import { describeFailure } from '../failure.ts'
import { policyOf } from './keep-flags.ts'

const maxTries = 3
/** An hourly backup is not held up for long: the next one goes on. */
const maxPruneMs = 600_000

export interface Retained {
  readonly kept: number
  readonly forgotten: number
  /** Undefined when the pipeline file does not want it, and when it failed. */
  readonly pruned: PruneReport | undefined
  /** Sentences about what was not done. */
  readonly attention: readonly string[]
}

export interface RetainRun {
  readonly repository: Repository
  readonly retention: Retention
  /** The one that was just made: only its name is looked at. */
  readonly snapshot: Snapshot
  readonly prune: (options: { readonly apply: true; readonly maxTimeMs: number }) => Promise<PruneReport>
}

/** Forgets what the pipeline file does not keep, and gives its space back. What fails is told and never thrown: the backup is made. */
export async function retain({ repository, retention, snapshot, prune }: RetainRun): Promise<Retained> {
  let counts = { kept: repository.snapshots({ name: snapshot.name }).length, forgotten: 0 }
  try {
    const { refused, ...done } = await forgetOld(repository, retention, snapshot.name)
    counts = done
    if (refused !== undefined) return { ...counts, pruned: undefined, attention: [`retention forgot nothing: ${refused}`] }
  } catch (error) {
    return { ...counts, pruned: undefined, attention: [`retention failed: ${describeFailure(error).message}`] }
  }
  if (!retention.prune) return { ...counts, pruned: undefined, attention: [] }
  try {
    const pruned = await prune({ apply: true, maxTimeMs: maxPruneMs })
    return { ...counts, pruned, attention: pruned.attention }
  } catch (error) {
    return { ...counts, pruned: undefined, attention: [`space was not given back: ${describeFailure(error).message}`] }
  }
}

/** Others with the same name may forget the same snapshots at the same time. */
async function forgetOld(
  repository: Repository,
  retention: Retention,
  name: string,
): Promise<{ kept: number; forgotten: number; refused?: string | undefined }> {
  for (let attempt = 1; ; attempt++) {
    const choices = choose(repository.snapshots({ name }), policyOfFile(retention), new Date())
    const going = choices.filter(({ reasons }) => reasons.length === 0).map(({ snapshot: { id } }) => id)
    const [refused] = misgivings(choices)
    if (refused !== undefined) return { kept: choices.length, forgotten: 0, refused }
    try {
      if (going.length > 0) await repository.forget(going)
      return { kept: choices.length - going.length, forgotten: going.length }
    } catch (error) {
      if (!(error instanceof KpipeError) || error.code !== 'KPIPE_APPEND_LOST' || attempt >= maxTries) throw error
      await repository.refresh()
    }
  }
}

function policyOfFile({ counts, within, tags, timezone }: Retention): ReturnType<typeof policyOf> {
  return policyOf({ ...counts, 'keep-within': within, 'keep-tag': tags, timezone })
}
