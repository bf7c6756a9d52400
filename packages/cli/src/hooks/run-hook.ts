import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import type { Hook } from '@kpipe/engine'
import { readLines } from './read-lines.ts'

/** How long a command that was asked to end may take. */
const graceMs = 5000
/** How long the rest of the output of an ended command is waited for: something that it left behind may hold it open. */
const drainMs = 3_000

export interface HookRun {
  readonly hook: Hook
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
  /** Ends the command, and all that it has started, when it is aborted. */
  readonly signal: AbortSignal | undefined
  onLine(line: string): void
}

/** Runs a command to its end. Resolves with what went wrong, as the end of a sentence that begins with its name; undefined when nothing did. */
export async function runHook({ hook, folder, env, signal, onLine }: HookRun): Promise<string | undefined> {
  const [program, ...words] = typeof hook.run === 'string' ? ['/bin/sh', '-c', hook.run] : hook.run
  let child: ChildProcess & { readonly stdout: Readable; readonly stderr: Readable }
  try {
    // A group of its own, so that it can be ended with everything that it has started.
    child = spawn(program, words, { cwd: folder, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  } catch (error) {
    return notStarted(error)
  }
  const output = [child.stdout, child.stderr].map((stream) => readLines(stream, onLine))
  const ended = once(child, 'exit').catch((error: NodeJS.ErrnoException) => error)
  const over = new AbortController()
  const limit = delay(hook.timeoutMs, 'late' as const, { signal: over.signal }).catch(() => undefined)
  const onExit = () => signalGroup(child, 'SIGKILL')
  process.once('exit', onExit)
  const stopped = signal === undefined ? undefined : once(signal, 'abort', { signal: over.signal }).then(() => 'stopped' as const)
  stopped?.catch(() => undefined)
  try {
    const first = signal?.aborted === true ? 'stopped' : await Promise.race([ended, limit, ...(stopped === undefined ? [] : [stopped])])
    if (first === 'late' || first === 'stopped') {
      await endGroup(child, ended)
      return first === 'late' ? `was ended after ${hook.timeoutMs / 1000} s` : 'was ended because kpipe was stopped'
    }
    if (first instanceof Error) return notStarted(first)
    await Promise.race([Promise.all(output), delay(drainMs, undefined, { ref: false })])
    return failureOf(child)
  } finally {
    over.abort()
    process.off('exit', onExit)
    for (const stream of [child.stdout, child.stderr]) stream.destroy()
  }
}

async function endGroup(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  signalGroup(child, 'SIGTERM')
  const patience = new AbortController()
  await Promise.race([ended, delay(graceMs, undefined, { signal: patience.signal }).catch(() => undefined)])
  patience.abort()
  // Also when the command itself has ended: what it has started may not have.
  signalGroup(child, 'SIGKILL')
  await ended
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch {
    // Nobody of the group is left.
  }
}

/** Some faults are thrown, others come as an event. */
function notStarted(error: unknown): string {
  return `cannot be started: ${(error as NodeJS.ErrnoException).code ?? String(error)}`
}

function failureOf({ exitCode, signalCode }: ChildProcess): string | undefined {
  if (exitCode === 0) return undefined
  return signalCode === null ? `ended with code ${exitCode}` : `was killed by ${signalCode}`
}
