import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { dropFolder, ownFolder } from '../scripts/children.ts'
import { certificateAuthority } from '../packages/stage-etcd/test/certificates.ts'
import { getEtcd } from '../scripts/etcd/get-etcd.ts'
import { writeKeys } from '../scripts/etcd/keys.ts'
import { runTool } from '../scripts/etcd/run-tool.ts'
import { startEtcd } from '../scripts/etcd/start-etcd.ts'
import { loopbackEnv } from '../scripts/loopback-env.ts'
import { candidates, type Candidate, type Peer } from './connection/candidates.ts'
import { median, spread } from './measure/median.ts'
import { mebibytes, table } from './measure/table.ts'

/** Claim: the snapshot is read faster, and with less of a processor, than generic gRPC clients do it, and over TLS on every Node. */
const repeats = Number(process.env['KPIPE_BENCH_REPEATS'] ?? 7)
const modules = join(import.meta.dirname, '../node_modules')
const nodes = { 24: join(modules, `node24-linux-${process.arch}/bin/node`), 26: join(modules, '.bin/node') }

const [only, peerText] = process.argv.slice(2)
if (only !== undefined && peerText !== undefined) {
  // One candidate on another Node, asked for by `connects`.
  console.log(await candidates.find(({ name }) => name === only)!.read(JSON.parse(peerText) as Peer))
  process.exit(0)
}

const folder = ownFolder('kpipe-bench-')
const authority = await certificateAuthority(folder)
const { certFile, keyFile } = await authority.sign({ commonName: 'server', names: ['127.0.0.1'] })
const client = await authority.sign({ commonName: 'client' })
const etcd = await startEtcd(await getEtcd({ version: '3.6' }), { tls: { certFile, keyFile, trustedCaFile: authority.certFile } })
for (let n = 0; n < 100; n++) await writeKeys(etcd.clientUrl, [[`key/${n}`, randomBytes(1 << 20)]])

const plain: Peer = { url: etcd.clientUrl, tls: undefined }
const tls: Peer = { url: etcd.tlsUrl, tls: { cacert: authority.certFile, cert: client.certFile, key: client.keyFile } }
const bytes = await candidates[0]!.read(plain)
const runs = candidates.map((candidate) => ({ candidate, plain: emptySeries(), tls: emptySeries() }))
// In turns, so that what else the machine does meets all of them.
for (let n = -1; n < repeats; n++) {
  for (const run of runs) {
    for (const [series, peer] of [
      [run.plain, plain],
      [run.tls, tls],
    ] as const)
      await measure(series, run.candidate, peer, n >= 0)
  }
}
const rows = []
for (const { candidate, plain, tls } of runs) {
  rows.push([candidate.name, ...cells(plain), ...cells(tls), await connects(candidate, nodes[24]), await connects(candidate, nodes[26])])
}
console.log('## The connection\n')
console.log(
  `One snapshot of ${mebibytes(bytes)} MiB from an etcd ${etcd.binaries.version} on the same host, ${repeats} runs each after one to warm up: median MB/s ` +
    `(smallest–largest), and the median CPU seconds of the client. TLS is mutual, to an IP address. Node ${process.versions.node}.\n`,
)
console.log(table(['', 'plain MB/s', 'CPU s', 'TLS MB/s', 'CPU s', 'TLS to an IP, Node 24', 'Node 26'], rows))
await etcd.stop()
dropFolder(folder)
process.exit(0) // some of the clients keep connections

interface Series {
  readonly rates: number[]
  readonly cpus: number[]
  failed: boolean
}

function emptySeries(): Series {
  return { rates: [], cpus: [], failed: false }
}

async function measure(series: Series, { name, read }: Candidate, peer: Peer, counts: boolean): Promise<void> {
  if (series.failed) return
  const [began, cpu] = [performance.now(), process.cpuUsage()]
  try {
    const got = await read(peer)
    if (got !== bytes) throw new Error(`${got} of ${bytes} bytes`)
  } catch (error) {
    console.error(`${name}, ${peer.url}: ${(error as Error).message.split('\n', 1)[0]}`)
    series.failed = true
  }
  const seconds = (performance.now() - began) / 1000
  const { user, system } = process.cpuUsage(cpu)
  if (!counts) return
  series.rates.push(bytes / 1e6 / seconds)
  series.cpus.push((user + system) / 1e6)
}

function cells({ rates, cpus, failed }: Series): string[] {
  return failed ? ['fails', ''] : [`${median(rates).toFixed(0)} (${spread(rates, 0)})`, median(cpus).toFixed(2)]
}

async function connects({ name }: Candidate, node: string): Promise<string> {
  try {
    const text = await runTool(node, ['--conditions=kpipe-source', import.meta.filename, name, JSON.stringify(tls)], { env: loopbackEnv() })
    return Number(text) === bytes ? 'yes' : 'no'
  } catch (error) {
    console.error((error as Error).message)
    return 'no'
  }
}
