import { spawn } from 'node:child_process'
import type { FileHandle } from 'node:fs/promises'
import { seenLock } from './seen-lock.ts'

/**
 * `held`: this process has it, until the file is closed. `taken`: another one has it, by its id where that is to be seen.
 * `unknown`: neither can be told; `reason` is the end of a sentence.
 */
export type Lock =
  | { readonly kind: 'held' }
  | { readonly kind: 'taken'; readonly pid: number | undefined }
  | { readonly kind: 'unknown'; readonly reason: string }

const timeoutMs = 10_000
/** The file's place among those that the program is given. */
const inherited = 3

/**
 * Takes bbolt's lock (flock, shared as its own readers have it). Node cannot, and the program of that name can for an open file that it
 * inherits: the lock belongs to the opening, which both share, so it stays when the program has ended. Meanwhile an etcd that is started
 * waits. Without that program the kernel's list of locks is read, which does not show those of other containers.
 */
export async function takeLock(handle: FileHandle, signal: AbortSignal): Promise<Lock> {
  const { code, said } = await runFlock(handle, signal)
  if (code === 0) return { kind: 'held' }
  const seen = await seenLock(handle)
  // busybox ends with 1 for every failure, and is silent about this one alone.
  if (seen !== undefined || (code === 1 && said === '')) return { kind: 'taken', pid: seen }
  return { kind: 'unknown', reason: `${whyUnknown(code, said)}, and the list of locks does not show those of other containers` }
}

function whyUnknown(code: number | null | undefined, said: string): string {
  if (code === undefined) return 'there is no program flock here'
  return code === null ? `flock did not answer within ${timeoutMs / 1000} s` : `flock says "${said || `code ${code}`}"`
}

/** `code` is undefined when the program could not be run, null when it took too long. */
function runFlock(handle: FileHandle, signal: AbortSignal): Promise<{ code: number | null | undefined; said: string }> {
  const child = spawn('flock', ['-s', '-n', String(inherited)], {
    stdio: ['ignore', 'ignore', 'pipe', handle.fd],
    killSignal: 'SIGKILL',
    // Not the option timeout, whose timer keeps a process alive when there is no such program.
    signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
  })
  let said = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(0, 200)))
  return new Promise((resolve) => {
    child.once('error', ({ name }) => resolve({ code: name === 'AbortError' ? null : undefined, said: '' }))
    child.once('close', (code) => resolve({ code, said: said.trim() }))
  })
}
