import { spawn, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { ownChild } from '../../scripts/children.ts'

/** The clone's root folder. */
export const clone = fileURLToPath(new URL('../..', import.meta.url))

/** The release which `npm test` makes, or what a user of a clone runs. */
const program = process.env['KPIPE_TEST_PROGRAM'] ?? join(clone, 'node_modules/.bin/kpipe')

/** The Nodes that kpipe is tested on; 26 is also what tests run on. */
export const nodes = {
  26: join(clone, 'node_modules/.bin/node'),
  24: join(clone, `node_modules/node24-linux-${process.arch}/bin/node`),
} as const

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface KpipeOptions {
  readonly cwd?: string
  /** Added to the environment of this process; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Standard input; without it there is none. `open` is a pipe that the test writes to and ends. */
  readonly input?: string | Uint8Array | { readonly open: true }
  /** Where standard output goes; without it, it is collected as text. */
  readonly outputFd?: number
  readonly node?: keyof typeof nodes
  /** Arguments of Node itself. */
  readonly nodeArguments?: readonly string[]
  /** A numeric user (and group) to run as; only root can ask for it. */
  readonly uid?: number
}

/** Runs kpipe to its end. */
export async function kpipe(args: readonly string[], options: KpipeOptions = {}): Promise<Ended> {
  return spawnKpipe(args, options).ended
}

/** Starts kpipe, for tests that meet it half way. */
export function spawnKpipe(
  args: readonly string[],
  options: KpipeOptions = {},
): { readonly child: ChildProcess; readonly ended: Promise<Ended> } {
  const { cwd, input, outputFd, node = 26, nodeArguments = [], uid } = options
  // tap puts itself into every Node that its tests start, and would be measured, and fail without its permissions.
  const child = ownChild('env', ['-u', 'NODE_OPTIONS', nodes[node], ...nodeArguments, program, ...args], {
    ...(cwd !== undefined && { cwd }),
    ...(uid !== undefined && { uid, gid: uid }),
    env: { ...process.env, ...options.env },
    stdio: [input === undefined ? 'ignore' : 'pipe', outputFd ?? 'pipe', 'pipe'],
  })
  child.stdin?.on('error', () => {}) // it may end without reading all of its input
  if (typeof input === 'string' || input instanceof Uint8Array) child.stdin?.end(input)
  return { child, ended: collect(child) }
}

/** Everything that a process wrote, as text, and how it ended. @throws when it could not be started */
export function collect(child: ReturnType<typeof spawn>): Promise<Ended> {
  let [stdout, stderr] = ['', '']
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
}

/** What a test waits for while kpipe runs. @throws Error with its output when kpipe ends before */
export function meanwhile<Value>(reached: Promise<Value>, ended: Promise<Ended>): Promise<Value> {
  const tooEarly = ended.then(({ code, stdout, stderr }) => {
    throw new Error(`kpipe ended too early, with ${code}: ${stdout}${stderr}`)
  })
  tooEarly.catch(() => {}) // The usual case: it ends when the test is done with waiting.
  return Promise.race([reached, tooEarly])
}
