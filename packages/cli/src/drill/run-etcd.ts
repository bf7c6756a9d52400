import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { KpipeError } from '@kpipe/engine/contracts'
import { withHint } from '../failure.ts'
import { etcdEnvironment } from './find-etcd.ts'
import type { EtcdBinary } from './find-etcd.ts'
import { Mismatch, NotDone } from './step.ts'

/** As `--initial-cluster` has it. etcd wants something like a port in it. */
export const peerUrl = 'unix://peer:1'
const clientUrl = 'unix://client:1'
/** Of `sockaddr_un`, less the zero at its end. */
const mostSocketBytes = 107

/** It ended by itself: of what it was given, or of what it met here. */
export class Ended extends Mismatch {}

/** An etcd that runs on a scratch folder and is reached there alone. */
export interface RunningEtcd {
  /** Absolute, as the source takes it. */
  readonly endpoint: string
  /** Rejects with Ended, or with KPIPE_SOURCE_DIED when a signal of somebody else ended it. */
  readonly failed: Promise<never>
  stop(): Promise<void>
}

const stopWithinMs = 10_000

/** What to do where nothing was proven of the snapshot. */
export const tryAgain =
  'What was restored is as it was stored: run the drill again when the host has less to do and more room, or with --level walked.'

/**
 * Starts etcd in the folder, on `data` there, listening on Unix sockets in it and on no port: on one, all that the snapshot holds would be
 * anybody's of this host.
 * @param note is told the number of the process
 * @throws NotDone when it cannot be started
 */
export async function runEtcd({ path, version }: EtcdBinary, folder: string, note: (pid: number) => Promise<void>): Promise<RunningEtcd> {
  const socket = join(folder, 'client:1')
  if (Buffer.byteLength(socket) > mostSocketBytes)
    throw new NotDone(`the socket ${socket} would have a path of ${Buffer.byteLength(socket)} bytes, and ${mostSocketBytes} is the most`)
  const log = await open(join(folder, 'log'), 'wx', 0o600)
  // Names are relative to the folder: nothing of its path has to be a part of a URL.
  const flags = {
    name: 'drill',
    'data-dir': 'data',
    'listen-client-urls': clientUrl,
    'advertise-client-urls': clientUrl,
    'listen-peer-urls': peerUrl,
    'initial-advertise-peer-urls': peerUrl,
    'initial-cluster': `drill=${peerUrl}`,
    'enable-grpc-gateway': 'false',
    // It is alone: nobody has to be waited for.
    'heartbeat-interval': '20',
    'election-timeout': '200',
    logger: 'zap',
  }
  const args = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`)
  // In a group of its own, so that Ctrl-C reaches kpipe alone, which then stops it.
  const child = spawn(path, args, { cwd: folder, env: etcdEnvironment(), stdio: ['ignore', log.fd, log.fd], detached: true })
  const killAtExit = () => void child.kill('SIGKILL')
  process.prependOnceListener('exit', killAtExit)
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  exited.catch(() => undefined) // It could not be started, which is told below.
  let stopping = false
  async function stop(): Promise<void> {
    stopping = true
    process.off('exit', killAtExit)
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), stopWithinMs)
    await exited.finally(() => clearTimeout(timer))
  }
  try {
    await once(child, 'spawn')
    await note(child.pid!)
  } catch (error) {
    await stop()
    throw new NotDone(`etcd ${version} cannot be started: ${(error as Error).message}`)
  } finally {
    await log.close()
  }
  const failed = exited.then(async ([code, signal]): Promise<never> => {
    if (stopping) return new Promise(() => {})
    if (signal !== null) throw withHint(new KpipeError('KPIPE_SOURCE_DIED', `the etcd of the drill was ended by ${signal}`), tryAgain)
    throw new Ended(`exit code ${code}, ${lastWords(await readFile(join(folder, 'log'), 'utf8').catch(() => ''))}`)
  })
  failed.catch(() => undefined) // Whoever waits for it hears of it.
  return { endpoint: `unix://${socket}`, failed, stop }
}

/** The last line of a log of etcd that says why: of `fatal`, `panic` or `error`; else the last one. */
export function lastWords(log: string): string {
  const lines = log.trim().split('\n').filter(Boolean)
  const why =
    lines.findLast((line) => /"level":"(?:fatal|panic)"|^panic: /.test(line)) ?? lines.findLast((line) => line.includes('"level":"error"'))
  const line = why ?? lines.at(-1)
  if (line === undefined) return 'without a word'
  try {
    const { msg, error } = JSON.parse(line) as { readonly msg?: string; readonly error?: string }
    return [msg, error].filter(Boolean).join(': ').slice(0, 300)
  } catch {
    return line.slice(0, 300)
  }
}
