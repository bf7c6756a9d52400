import type { ChildProcess } from 'node:child_process'
import { Agent, get } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { dropFolder, ownChild, ownFolder } from '../children.ts'
import { loopbackEnv } from '../loopback-env.ts'
import type { EtcdBinaries } from './binaries.ts'
import { freePorts } from './free-ports.ts'

const readyTimeoutMs = 60_000
const stopTimeoutMs = 5_000
const maxPortAttempts = 5
const keptOutput = 256 * 1024

export interface StartOptions {
  /** Left where it is when given; else a temporary folder that `stop` removes. */
  readonly dataDir?: string
  readonly name?: string
  readonly env?: Record<string, string>
  readonly extraArgs?: readonly string[]
  /** Opens a second client port with TLS; with `trustedCaFile` it wants a client certificate. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string; readonly trustedCaFile?: string }
}

export interface RunningEtcd {
  readonly binaries: EtcdBinaries
  /** Without TLS, also where there is a port with it. */
  readonly clientUrl: string
  /** Empty without `tls`. */
  readonly tlsUrl: string
  readonly peerUrl: string
  readonly pid: number
  /** What it was started with. */
  readonly args: readonly string[]
  readonly dataDir: string
  /** Resolves when the process has ended, however that came. */
  readonly exited: Promise<void>
  /** What it wrote, the last 256 Ki characters. */
  output(): string
  kill(signal: NodeJS.Signals): void
  /** Ends the process and removes a temporary data folder; may be called again. */
  stop(): Promise<void>
}

/**
 * Starts an etcd on 127.0.0.1 and free ports and resolves when it is healthy. It ends with this process at the latest.
 * @throws Error with the last lines of etcd when it does not become healthy
 */
export async function startEtcd(binaries: EtcdBinaries, options: StartOptions = {}): Promise<RunningEtcd> {
  for (let attempt = 1; ; attempt++) {
    const etcd = await spawnEtcd(binaries, options)
    try {
      await healthy(etcd)
      return etcd
    } catch (error) {
      await etcd.stop()
      const clash = etcd.output().includes('address already in use')
      if (!clash || attempt === maxPortAttempts) throw error
    }
  }
}

async function spawnEtcd(binaries: EtcdBinaries, options: StartOptions): Promise<RunningEtcd> {
  const { name = 'm1', env = {}, extraArgs = [] } = options
  const dataDir = options.dataDir ?? ownFolder('kpipe-etcd-')
  const [clientPort, peerPort, tlsPort] = await freePorts(3)
  const [clientUrl, peerUrl] = [clientPort, peerPort].map((port) => `http://127.0.0.1:${port}`)
  const tlsUrl = options.tls === undefined ? '' : `https://127.0.0.1:${tlsPort}`
  const clientUrls = [clientUrl, tlsUrl].filter(Boolean).join(',')
  const flags = {
    name,
    'data-dir': dataDir,
    'listen-client-urls': clientUrls,
    'advertise-client-urls': clientUrls,
    'listen-peer-urls': peerUrl,
    'initial-advertise-peer-urls': peerUrl,
    'initial-cluster': `${name}=${peerUrl}`,
    logger: 'zap',
    ...(options.tls && { 'cert-file': options.tls.certFile, 'key-file': options.tls.keyFile }),
    ...(options.tls?.trustedCaFile && { 'client-cert-auth': 'true', 'trusted-ca-file': options.tls.trustedCaFile }),
  }
  const args = [...Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`), ...extraArgs]
  const child = ownChild(binaries.etcd, args, { env: { ...loopbackEnv(), ...env }, stdio: ['ignore', 'pipe', 'pipe'] })

  let output = ''
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-keptOutput)))
  }
  const exited = new Promise<void>((resolve) => {
    child.once('close', () => resolve())
    child.once('error', (error) => {
      output += `${error.message}\n`
      if (child.pid === undefined) resolve()
    })
  })
  return {
    binaries,
    clientUrl,
    tlsUrl,
    peerUrl,
    pid: child.pid ?? 0,
    args,
    dataDir,
    exited,
    output: () => output,
    kill: (signal) => void child.kill(signal),
    async stop() {
      await end(child, exited)
      if (options.dataDir === undefined) dropFolder(dataDir)
    },
  }
}

async function end(child: ChildProcess, exited: Promise<void>): Promise<void> {
  child.kill('SIGTERM')
  child.kill('SIGCONT') // a stopped process would not hear the first
  const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs)
  await exited
  clearTimeout(timer)
}

async function healthy(etcd: RunningEtcd): Promise<void> {
  const giveUp = Date.now() + readyTimeoutMs
  const ended = etcd.exited.then(() => true)
  while (Date.now() < giveUp) {
    if (await saysHealthy(etcd.clientUrl)) return
    if (await Promise.race([ended, delay(50, false)])) break
  }
  const last = etcd.output().trim().split('\n').slice(-3).join('\n')
  throw new Error(`etcd ${etcd.binaries.version} at ${etcd.clientUrl} did not become healthy:\n${last}`)
}

function saysHealthy(clientUrl: string): Promise<boolean> {
  return new Promise((resolve) => {
    // An agent of its own: the global one may have been told to use a proxy.
    const request = get(`${clientUrl}/health`, { agent: new Agent(), timeout: 1_000 }, async (response) => {
      const text = await response
        .setEncoding('utf8')
        .reduce((sum: string, part: string) => sum + part, '')
        .catch(() => '')
      resolve(/"health":\s*"?true/.test(text))
    })
    request.once('timeout', () => request.destroy())
    request.once('error', () => resolve(false)) // not up yet
  })
}
