import type { Hook, HookTime, Pipeline } from '@kpipe/engine'
import type { RunFacts } from '../backup/run-facts.ts'
import type { Terminal } from '../terminal.ts'
import type { Environment } from '../where/pipeline-file.ts'
import { hookEnvironment } from './hook-environment.ts'

/** What a command said that failed with -q, at most. */
const maxToldLines = 20

export interface HooksRun {
  readonly pipeline: Pipeline
  readonly facts: RunFacts
  readonly terminal: Terminal
  readonly signal: AbortSignal
  readonly env: Environment
}

/**
 * Runs the hooks of one time, one after the other; a `before` hook whose failure is an error ends the row.
 * Resolves with a sentence for each failure that is an error; those that are warnings are told.
 */
export async function runHooks(when: HookTime, run: HooksRun): Promise<string[]> {
  const errors: string[] = []
  for (const hook of run.pipeline.hooks[when]) {
    const sentence = await runOne(when, hook, run)
    if (sentence === undefined || hook.onFailure === 'ignore') continue
    if (hook.onFailure === 'warn') run.terminal.warn(sentence)
    else errors.push(sentence)
    if (when === 'before' && errors.length > 0) break
  }
  return errors
}

async function runOne(when: HookTime, hook: Hook, { pipeline, facts, terminal, signal, env }: HooksRun): Promise<string | undefined> {
  const quiet = terminal.verbosity < 0
  const unsaid: string[] = []
  const onLine = (line: string) => {
    const shown = `${when}: ${line}`
    if (!quiet) return terminal.tell(shown)
    unsaid.push(shown)
    if (unsaid.length > maxToldLines) unsaid.shift()
  }
  terminal.explain(`${when} hook ${nameOf(hook)}`)
  // A run that was stopped still runs what cleans up behind it; only one more signal ends that.
  const stop = signal.aborted ? undefined : signal
  const environment = hookEnvironment(when, pipeline, facts, env)
  // Most pipelines have no hooks, and processes and sockets take 5 ms to load.
  const { runHook } = await import('./run-hook.ts')
  const failure = await runHook({ hook, folder: pipeline.folder, env: environment, signal: stop, onLine })
  if (failure === undefined || hook.onFailure === 'ignore') return undefined
  for (const line of unsaid) terminal.tell(line)
  return `${when} hook ${nameOf(hook)} ${failure}`
}

/** Its program: the rest of the line may hold what is nobody's business. */
function nameOf({ run }: Hook): string {
  const [program = '', ...rest] = typeof run === 'string' ? run.trim().split(/\s+/) : run
  return `\`${program}${rest.length > 0 ? ' …' : ''}\``
}
