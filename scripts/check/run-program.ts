import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

const clone = join(import.meta.dirname, '../..')
const timeToEndMs = 500
let running: ChildProcess | undefined

/**
 * Starts a program of Node in a process group of its own, so that an interruption reaches all that it has started:
 * tap does not pass it on.
 */
export function startProgram(args: readonly string[], stdio: StdioOptions, env: NodeJS.ProcessEnv = {}): ChildProcess {
  running = spawn(process.execPath, args, { cwd: clone, env: { ...ownEnvironment(), ...env }, stdio, detached: true })
  return running
}

/** Runs a program of Node to its end, its output shown. @throws Error when it does not end with 0 */
export function runProgram(args: readonly string[]): Promise<void> {
  const plain = process.stdout.isTTY ? {} : { NO_COLOR: '1' }
  return ending(startProgram(args, ['ignore', 'inherit', 'inherit'], plain))
}

/** @throws Error when the program does not end with 0 */
export function ending(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => (code === 0 ? resolve() : reject(new Error(`ended with ${signal ?? `code ${code}`}`))))
  })
}

/** On any of the signals: ends what is running, says so, and ends this process with code 1. */
export function interruptedBy(signals: readonly NodeJS.Signals[], say: (signal: NodeJS.Signals) => void): void {
  let interrupted = false
  const end = async (signal: NodeJS.Signals) => {
    if (interrupted) return
    interrupted = true
    signalGroup(signal)
    await delay(timeToEndMs)
    signalGroup('SIGKILL')
    say(signal)
    process.exit(1)
  }
  for (const signal of signals) process.on(signal, end)
}

function signalGroup(signal: NodeJS.Signals): void {
  try {
    if (running?.pid) process.kill(-running.pid, signal)
  } catch {
    // the whole group has ended
  }
}

/** The user's environment, without what would point kpipe or etcd's tools at the user's own clusters and repositories. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(KPIPE|ETCD|ETCDCTL|ETCDUTL)_/.test(name) && !name.startsWith('NODE_CHANNEL_'),
  )
  return Object.fromEntries(kept)
}
