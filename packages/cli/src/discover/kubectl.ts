import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Environment } from '../where/pipeline-file.ts'

/** How long kubectl may take in all, and what it is told itself. */
const limitMs = 10_000
const requestTimeout = '5s'
/** Some control planes have five members, and a pod is some KiB. */
const maxBytes = 8 * 1024 * 1024

const words = ['get', 'pod', '-n', 'kube-system', '-l', 'component=etcd', '-o', 'yaml', `--request-timeout=${requestTimeout}`]
export const kubectlCommand = 'kubectl get pod -n kube-system -l component=etcd -o yaml'

export type KubectlAnswer = { readonly text: string } | { readonly text: undefined; readonly why: string }

/** What kubectl says of the pods of etcd, or in one line why it says nothing. It never takes longer than `withinMs`. */
export async function askKubectl(env: Environment, signal: AbortSignal, withinMs = limitMs): Promise<KubectlAnswer> {
  // A group of its own: credential plugins that it has started end with it.
  const child = spawn('kubectl', words, { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = once(child, 'close') as Promise<[number | null]>
  ended.catch(() => undefined)
  let hasEnded = false
  let [output, complaint, length] = ['', '', 0]
  const { promise: stopped, resolve: stop } = Promise.withResolvers<string>()
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
    if ((length += text.length) > maxBytes) stop(`it says more than ${maxBytes / 1024 / 1024} MiB`)
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint = (complaint + text).slice(-10_000)))
  const timer = setTimeout(() => stop(`it was ended after ${withinMs / 1000} s`), withinMs)
  const aborted = () => stop('it was stopped')
  const onExit = () => endGroup(child.pid)
  signal.addEventListener('abort', aborted)
  process.once('exit', onExit)
  try {
    signal.throwIfAborted()
    const first = await Promise.race([ended, stopped])
    signal.throwIfAborted()
    hasEnded = typeof first !== 'string'
    if (typeof first === 'string') return { text: undefined, why: first }
    if (first[0] === 0) return { text: output }
    return { text: undefined, why: lastLine(complaint) || `it ended with code ${first[0]}` }
  } catch (error) {
    signal.throwIfAborted()
    const { code } = error as NodeJS.ErrnoException
    return { text: undefined, why: code === 'ENOENT' ? 'there is none' : `it cannot be started (${code})` }
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', aborted)
    process.off('exit', onExit)
    if (!hasEnded) endGroup(child.pid)
    for (const stream of [child.stdout, child.stderr]) stream.destroy()
  }
}

function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended, and everything that it started.
  }
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1)!.trim()
}
