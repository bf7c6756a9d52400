import { resolve } from 'node:path'
import { KpipeError } from '@kpipe/engine/contracts'
import { withHint } from '../failure.ts'
import type { ApiServer } from './api-server.ts'
import { askCluster } from './ask-cluster.ts'
import type { Connection } from './ask-cluster.ts'
import { besideSnapshot } from './beside-snapshot.ts'
import type { Beside } from './beside-snapshot.ts'
import { candidatesOf, oneForEach, sameCluster } from './candidates.ts'
import { hostAndPort } from './endpoints.ts'
import type { FoundEtcd } from './found-etcd.ts'
import type { Host } from './host.ts'
import { askKubectl } from './kubectl.ts'
import type { PlaceKind, Said } from './launch.ts'
import { lookAround } from './look-around.ts'
import type { Look } from './look-around.ts'
import { certificateFile, expiryOf } from './pem-files.ts'
import { pipelineText } from './pipeline-text.ts'
import { sourceSettings } from './source-settings.ts'
import type { FoundSetting } from './source-settings.ts'
import { chooseTls, noTls } from './tls-choice.ts'
import type { TlsChoice } from './tls-choice.ts'

export interface DiscoverOptions {
  readonly path: string | undefined
  readonly from: PlaceKind | undefined
  readonly offline: boolean
  readonly name: string | undefined
  /** Where the repository is to be; undefined takes what is usual. */
  readonly store: string | undefined
  readonly keyFile: string | undefined
  readonly signal: AbortSignal
}

export interface Findings {
  readonly looks: readonly Look[]
  readonly etcd: FoundEtcd
  readonly endpoints: readonly Said[]
  readonly settings: readonly FoundSetting[]
  readonly connection: Connection
  readonly beside: readonly Beside[]
  readonly warnings: readonly string[]
  readonly pipeline: string
}

const usualStore = '/var/backups/kpipe'
const usualKeyFile = '/etc/kpipe/repository.key'

/**
 * Looks for an etcd, asks it who its members are, and writes down how it is backed up.
 * @throws KpipeError KPIPE_USAGE when there is none
 */
export async function discover(host: Host, options: DiscoverOptions): Promise<Findings> {
  const { path, from, signal, offline } = options
  const { looks, found, apiServer } = await lookAround(host, { path, from, askKubectl: () => askKubectl(host.env, signal) })
  const [etcd] = found
  if (etcd === undefined) throw nothingFound(looks)
  const candidates = await candidatesOf(host, found)
  const tls = candidates.some(hasTls) ? await chooseTls(host, etcd, apiServer) : noTls
  const source = await sourceSettings(host, etcd.kind, candidates, tls)
  const asked = offline ? undefined : await askCluster(candidates, (endpoints) => source.load(endpoints), signal)
  const connection: Connection = asked?.connection ?? { state: 'not tested' }
  const endpoints = asked === undefined || asked.endpoints.length === 0 ? oneForEach(found, candidates) : asked.endpoints
  const settings = source.written(endpoints.map(({ value }) => value))
  const beside = await besideSnapshot(host, etcd, apiServer)
  const pipeline = pipelineText({
    place: etcd.place,
    host: host.name,
    name: options.name,
    endpoints,
    settings,
    passwordNote: source.passwordNote,
    dataDir: etcd.dataDir,
    walDir: etcd.walDir,
    beside,
    store: choice(options.store, '--store', usualStore),
    keyFile: choice(options.keyFile, '--key-file', usualKeyFile),
  })
  const warnings = [
    ...etcd.notes,
    ...aboutOthers(found),
    ...aboutApiServer(etcd, apiServer, [...candidates, ...endpoints]),
    ...(endpoints.some(hasTls) ? [...tls.warnings, ...(await expiring(host, etcd, tls, connection))] : []),
    ...(connection.state === 'works' ? connection.warnings : []),
  ]
  return { looks, etcd, endpoints, settings, connection, beside, warnings, pipeline }
}

/** An address without a scheme gets TLS where there are settings of it. */
function hasTls({ value }: Said): boolean {
  return !value.startsWith('http:')
}

function aboutOthers(found: readonly FoundEtcd[]): string[] {
  const others = found.slice(sameCluster(found).length)
  return others.map(({ name, place }) => `there is another etcd, which is not in the file: ${name?.value ?? 'without a name'} in ${place}`)
}

/** A host may have an etcd that is not the one of its control plane. */
function aboutApiServer(etcd: FoundEtcd, apiServer: ApiServer | undefined, addresses: readonly Said[]): string[] {
  if (apiServer === undefined) return []
  const { place, etcdServers: servers, etcdPrefix } = apiServer
  const isOther = servers.every(({ value }) => !addresses.some((address) => hostAndPort(address.value) === hostAndPort(value)))
  const prefix =
    etcdPrefix === undefined || etcdPrefix.value === '/registry'
      ? []
      : [`kube-apiserver keeps its objects under ${etcdPrefix.value} (${etcdPrefix.from})`]
  if (etcd.kind === 'apiserver' || servers.length === 0 || !isOther) return prefix
  const called = servers.map(({ value }) => value).join(', ')
  return [`kube-apiserver in ${place} calls another etcd, at ${called}: --from apiserver writes a file for that one`]
}

/** By the files; what the connection has told already is not told again. */
async function expiring(host: Host, { server }: FoundEtcd, { cacert, pair }: TlsChoice, { state }: Connection): Promise<string[]> {
  const files = new Map([[cacert?.value, 'the authority']])
  if (state !== 'works') {
    files.set(server?.cert.value, 'the certificate of etcd')
    files.set(pair?.cert.value, 'the client certificate')
  }
  const told = [...files].map(async ([file, what]) => (file === undefined ? [] : (expiryOf(what, await certificateFile(host, file)) ?? [])))
  return (await Promise.all(told)).flat()
}

function choice(given: string | undefined, flag: string, usual: string): Said {
  return given === undefined ? { value: usual, from: 'by default' } : { value: resolve(given), from: flag }
}

function nothingFound(looks: readonly Look[]): KpipeError {
  const places = looks.map(({ place, note }) => (note === '' ? place : `${place} (${note})`))
  const error = new KpipeError('KPIPE_USAGE', `no etcd was found: looked in ${places.join('; ')}`, { places })
  return withHint(
    error,
    'Name its manifest, unit or configuration file: `kpipe discover FILE`. Or run it as root on a host of the control plane.',
  )
}
