import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { resolve } from 'node:path'

/** Shared, so that not every process compiles everything anew. */
const cacheFolder = resolve(import.meta.dirname, '../../../../.cache')

/** That of the release which `npm test` makes, or of the sources. */
export const bin = process.env['KPIPE_TEST_PROGRAM'] ?? resolve(import.meta.dirname, '../../bin/kpipe.js')

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
  /** Standard output as it came. */
  readonly bytes: Buffer
}

export interface Options {
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string | Uint8Array
  /** Written to standard input, which then stays open. */
  readonly openInput?: Uint8Array
  /** Arguments of Node itself. */
  readonly nodeArguments?: readonly string[]
}

/** Runs the program as its users do, with a home folder of its own and nothing of ours in the environment. */
export async function kpipe(words: readonly string[], options: Options): Promise<Ended> {
  return startKpipe(words, options).ended
}

export function startKpipe(words: readonly string[], options: Options): { readonly child: ChildProcess; readonly ended: Promise<Ended> } {
  const { cwd, env = {}, input, openInput, nodeArguments = [] } = options
  const child = spawn(process.execPath, [...nodeArguments, bin, ...words], {
    cwd,
    env: { PATH: process.env['PATH'], HOME: cwd, XDG_CACHE_HOME: cacheFolder, TZ: 'UTC', ...env },
    stdio: [input === undefined && openInput === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  })
  child.stdin?.on('error', () => undefined) // It may end before it has read everything.
  if (openInput === undefined) child.stdin?.end(input)
  else child.stdin?.write(openInput)
  const [out, error]: [Buffer[], Buffer[]] = [[], []]
  child.stdout?.on('data', (piece: Buffer) => out.push(piece))
  child.stderr?.on('data', (piece: Buffer) => error.push(piece))
  const ended = new Promise<Ended>((done, fail) => {
    child.once('error', fail)
    child.once('close', (code, signal) => {
      const bytes = Buffer.concat(out)
      done({ code, signal, bytes, stdout: bytes.toString(), stderr: Buffer.concat(error).toString() })
    })
  })
  return { child, ended }
}

/** The JSON lines of an output. */
export function jsonLines(output: string): Record<string, unknown>[] {
  return output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}
