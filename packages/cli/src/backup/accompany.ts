import type { Pipeline } from '@kpipe/engine'
import { KpipeError } from '@kpipe/engine/contracts'
import { describeFailure } from '../failure.ts'
import { runHooks } from '../hooks/run-hooks.ts'
import { textfile } from '../metrics/textfile.ts'
import { writeTextfile } from '../metrics/write-textfile.ts'
import type { Terminal } from '../terminal.ts'
import type { Environment } from '../where/pipeline-file.ts'
import type { RunFacts } from './run-facts.ts'
import type { BackupOutcome } from './run-backup.ts'

export interface Accompanied {
  readonly pipeline: Pipeline
  /** Filled in by the work, too. */
  readonly facts: RunFacts
  readonly terminal: Terminal
  readonly signal: AbortSignal
  readonly env: Environment
}

/**
 * Does the work with what the pipeline file wants beside it: hooks before and after, and metrics at the very end.
 * Nothing beside a backup that is made loses it: what fails then is a sentence of the result.
 * @returns sentences about what needs a look although the backup is made
 * @throws what the work threw; KPIPE_HOOK_FAILED when a `before` hook forbids it
 */
export async function accompany(run: Accompanied, work: () => Promise<BackupOutcome>): Promise<string[]> {
  const { facts, signal, terminal } = run
  const attention: string[] = []
  let thrown: unknown
  try {
    const [refusal] = await runHooks('before', run)
    signal.throwIfAborted()
    if (refusal !== undefined) throw new KpipeError('KPIPE_HOOK_FAILED', refusal)
    facts.outcome = await work()
    attention.push(...facts.outcome.attention)
  } catch (error) {
    thrown = signal.aborted ? signal.reason : error
    const { code, exitCode, message } = describeFailure(thrown)
    facts.failure = { code, exitCode, message }
  }
  attention.push(...(await runHooks(facts.outcome === undefined ? 'failed' : 'after', run)), ...(await runHooks('finally', run)))
  attention.push(...(await tellMetrics(run, facts.failure?.exitCode ?? (attention.length > 0 ? 3 : 0))))
  if (facts.failure === undefined) return attention
  for (const sentence of attention) terminal.warn(sentence)
  throw thrown
}

async function tellMetrics({ pipeline: { metrics }, facts }: Accompanied, exitCode: number): Promise<string[]> {
  if (metrics === undefined) return []
  try {
    const numbers = { facts, exitCode, duration: performance.now() / 1000, time: new Date() }
    await writeTextfile(metrics.textfile, (previous) => textfile({ ...numbers, previous }))
    return []
  } catch (error) {
    const seen = (error as NodeJS.ErrnoException).code ?? String(error)
    return [`the metrics could not be written to ${metrics.textfile}: ${seen}`]
  }
}
