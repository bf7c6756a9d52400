import { resolve } from 'node:path'
import { editorSchema, useStage } from '@kpipe/engine'
import { KpipeError } from '@kpipe/engine/contracts'
import { withHint } from '../failure.ts'
import { openStages } from '../where/stages.ts'
import { askCluster } from './ask-cluster.ts'
import type { Connection } from './ask-cluster.ts'
import { besideSnapshot } from './beside-snapshot.ts'
import type { Beside } from './beside-snapshot.ts'
import { alternativesOf, hostAndPort, isCovered } from './endpoints.ts'
import type { FoundEtcd } from './found-etcd.ts'
import type { Host } from './host.ts'
import { askKubectl } from './kubectl.ts'
import type { PlaceKind, Said } from './launch.ts'
import { lookAround } from './look-around.ts'
import type { Look, LookedAround } from './look-around.ts'
import { certificateFile, expiryOf } from './pem-files.ts'
import { pipelineText } from './pipeline-text.ts'
import { chooseTls } from './tls-choice.ts'
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

/** A setting of the source, and where it comes from. */
export interface FoundSetting extends Said {
  readonly name: string
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

const defaults = { store: '/var/backups/kpipe', keyFile: '/etc/kpipe/repository.key' }

/**
 * Looks for an etcd, asks it who its members are, and writes down how it is backed up.
 * @throws KpipeError KPIPE_USAGE when there is none
 */
export async function discover(host: Host, options: DiscoverOptions): Promise<Findings> {
  const { path, from, signal, offline } = options
  const around = await lookAround(host, { path, from, askKubectl: () => askKubectl(host.env, signal) })
  const [etcd] = around.found
  if (etcd === undefined) throw nothingFound(around.looks)
  const candidates = await candidatesOf(host, around.found)
  const tls = candidates.some(({ value }) => !value.startsWith('http:'))
    ? await chooseTls(host, etcd, around.apiServer)
    : { cacert: undefined, pair: undefined, warnings: [] }
  const stages = openStages(new Map())
  const found = tlsSettings(tls)
  const given = Object.fromEntries(found.map(({ name, value }) => [name, value]))
  const load = (settings: object) => useStage(stages, 'source', 'etcd', settings, process.cwd())
  const { stage } = await load({ ...given, endpoints: candidates.map(({ value }) => value) })
  const isSame = hasSameEndpoints(host, candidates)
  const filled = isSame ? (stage.fromEnvironment?.({ ...given, endpoints: candidates.map(({ value }) => value) }, host.env) ?? {}) : {}
  const fromShell = Object.entries(filled).map(([name, { value, variable }]) => ({ name, value: String(value), from: variable }))
  const withValues = { ...given, ...Object.fromEntries(fromShell.map(({ name, value }) => [name, value])) }
  const asked = offline
    ? { connection: { state: 'not tested' } as const, endpoints: oneForEach(around.found, candidates) }
    : await askCluster(candidates, (endpoints) => load({ ...onlyWhereTls(withValues, endpoints), endpoints }), signal)
  const { connection } = asked
  const endpoints = connection.state === 'fails' ? oneForEach(around.found, candidates) : asked.endpoints
  const isTls = endpoints.some(({ value }) => !value.startsWith('http:'))
  const settings = [...(isTls ? found : []), ...fromShell.filter(({ name }) => name !== 'password')]
  const password = fromShell.find(({ name }) => name === 'password')
  if (password?.from === 'ETCDCTL_PASSWORD') settings.push({ ...password, value: '${env:ETCDCTL_PASSWORD}' })
  const beside = await besideSnapshot(host, etcd, around.apiServer)
  const parts = {
    place: etcd.place,
    host: host.name,
    name: options.name,
    endpoints,
    settings,
    passwordNote: password?.from === 'ETCDCTL_USER' ? 'The password is taken from ETCDCTL_USER when kpipe runs.' : undefined,
    dataDir: etcd.dataDir,
    walDir: etcd.walDir,
    beside,
    canAttach: Object.hasOwn(editorSchema([])['properties'] as object, 'attach'),
    store: choice(options.store, '--store', defaults.store),
    keyFile: choice(options.keyFile, '--key-file', defaults.keyFile),
  }
  return {
    looks: around.looks,
    etcd,
    endpoints,
    settings: settings.map((setting) => (setting.name === 'password' ? { ...setting, value: '${env:ETCDCTL_PASSWORD}' } : setting)),
    connection,
    beside,
    warnings: [
      ...etcd.notes,
      ...severalFound(around),
      ...(isTls ? tls.warnings : []),
      ...(await expiring(host, etcd, tls, connection)),
      ...(connection.state === 'works' ? connection.warnings : []),
    ],
    pipeline: pipelineText(parts),
  }
}

/** Addresses to call, those first for which etcd has a certificate. */
async function candidatesOf(host: Host, found: readonly FoundEtcd[]): Promise<Said[]> {
  const [etcd] = found
  const certificate = etcd?.server && (await certificateFile(host, etcd.server.cert.value)).certificates[0]
  const all = [...sameCluster(found).flatMap(alternativesOf), ...(etcd?.client.endpoints ?? [])]
  const unique = all.filter(({ value }, index) => all.findIndex((other) => other.value === value) === index)
  if (unique.length === 0) return [{ value: 'http://127.0.0.1:2379', from: 'the default of etcdctl' }]
  const covered = unique.filter(({ value }) => isCovered(value, certificate))
  return covered.length > 0 ? covered : unique
}

/** Without the answer of the cluster: one address for each etcd that was found, and what its clients are told. */
function oneForEach(found: readonly FoundEtcd[], candidates: readonly Said[]): Said[] {
  const best = sameCluster(found).flatMap((etcd) => {
    const alternatives = alternativesOf(etcd)
    return candidates.find(({ value }) => alternatives.some((other) => other.value === value)) ?? []
  })
  return best.length > 0 ? best : [...candidates]
}

/** Pods that one API server tells of are one cluster; what else stands side by side need not be. */
function sameCluster(found: readonly FoundEtcd[]): readonly FoundEtcd[] {
  return found[0]?.kind === 'kubectl' ? found : found.slice(0, 1)
}

function severalFound({ found }: LookedAround): string[] {
  const others = found.slice(sameCluster(found).length)
  return others.map(({ name, place }) => `there is another etcd, which is not in the file: ${name?.value ?? 'without a name'} in ${place}`)
}

function tlsSettings({ cacert, pair }: TlsChoice): FoundSetting[] {
  return [
    ...(cacert ? [{ ...cacert, name: 'cacert' }] : []),
    ...(pair
      ? [
          { ...pair.cert, name: 'cert' },
          { ...pair.key, name: 'key' },
        ]
      : []),
  ]
}

/** Settings of TLS are refused where no endpoint has it. */
function onlyWhereTls(settings: Readonly<Record<string, string>>, endpoints: readonly string[]): Record<string, string> {
  if (endpoints.some((endpoint) => !endpoint.startsWith('http:'))) return settings
  const { cacert: _1, cert: _2, key: _3, ...others } = settings
  return others
}

/** Whether variables of etcdctl in this shell are of the same cluster, as far as they tell. */
function hasSameEndpoints({ env }: Host, candidates: readonly Said[]): boolean {
  const named = (env['ETCDCTL_ENDPOINTS'] ?? '').split(',').filter((text) => text.trim() !== '')
  return named.length === 0 || named.some((text) => candidates.some(({ value }) => hostAndPort(value) === hostAndPort(text.trim())))
}

/** By the files; what the connection has told already is not told again. */
async function expiring(host: Host, { server }: FoundEtcd, { cacert, pair }: TlsChoice, { state }: Connection): Promise<string[]> {
  const files: (readonly [string, string | undefined])[] = [
    ['the authority', cacert?.value],
    ...(state === 'works' ? [] : ([['the client certificate', pair?.cert.value], ['the certificate of etcd', server?.cert.value]] as const)), // prettier-ignore
  ]
  const told = files.map(async ([what, file]) => (file === undefined ? [] : (expiryOf(what, await certificateFile(host, file)) ?? [])))
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
