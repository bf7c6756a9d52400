import { KpipeError } from '@kpipe/engine/contracts'
import { etcdOf } from './api-server.ts'
import type { ApiServer } from './api-server.ts'
import { foundEtcd } from './found-etcd.ts'
import type { FoundEtcd } from './found-etcd.ts'
import type { Host } from './host.ts'
import { kubectlCommand } from './kubectl.ts'
import type { KubectlAnswer } from './kubectl.ts'
import { saidIn } from './launch.ts'
import type { Launch, PlaceKind } from './launch.ts'
import { manifestFolders, manifestsIn } from './manifests.ts'
import type { Manifests } from './manifests.ts'
import { namedPlace, plainLaunch } from './named-place.ts'
import { podLaunches } from './pod-launch.ts'
import { podsIn } from './pods.ts'
import { processLaunches } from './processes.ts'
import { unitFolders, unitLaunch } from './unit-launch.ts'

/** Kinds of places, in the order in which they are looked at and preferred. */
export const placeKinds = ['manifest', 'config', 'unit', 'process', 'apiserver', 'kubectl', 'environment'] as const

/** One place, and what was there. */
export interface Look {
  readonly kind: PlaceKind
  readonly place: string
  readonly found: readonly FoundEtcd[]
  /** Why there is nothing, or nothing more; empty where there is no more to say. */
  readonly note: string
}

export interface LookedAround {
  readonly looks: readonly Look[]
  /** Of the first place that has any; none when nothing was found anywhere. */
  readonly found: readonly FoundEtcd[]
  readonly apiServer: ApiServer | undefined
}

export interface LookOptions {
  /** A file that was named, a folder of manifests, or the id of a process. */
  readonly path: string | undefined
  /** Look nowhere else. */
  readonly from: PlaceKind | undefined
  askKubectl(): Promise<KubectlAnswer>
}

/** Files that clusters write for their etcd: those of k3s, which starts it in its own process, and of rke2. */
const configFiles = ['/var/lib/rancher/k3s/server/db/etcd/config', '/var/lib/rancher/rke2/server/db/etcd/config']

/** @throws KpipeError KPIPE_USAGE about a path that was named */
export async function lookAround(host: Host, { path, from, askKubectl }: LookOptions): Promise<LookedAround> {
  const manifests = await Promise.all(manifestFolders.map((folder) => manifestsIn(host, folder)))
  const nearApiServer = manifests.find((one) => one.apiServer !== undefined)?.apiServer
  if (path !== undefined) {
    const named = /^\d+$/.test(path) ? await namedProcess(host, path) : await namedPlace(host, path)
    const found = named.launches.length > 0 ? await all(host, named.launches) : [etcdOf(named.apiServer!)]
    return {
      looks: [{ kind: found[0]!.kind, place: found[0]!.place, found, note: '' }],
      found,
      apiServer: named.apiServer ?? nearApiServer,
    }
  }
  const looks: Look[] = []
  const hasFound = () => looks.some((look) => look.found.length > 0)
  for (const kind of placeKinds) {
    if (from !== undefined && from !== kind) continue
    if (kind === 'manifest')
      for (const [index, { launches, faults }] of manifests.entries())
        looks.push({ kind, place: manifestFolders[index]!, found: await all(host, launches), note: notRead(faults) })
    else if (kind === 'config') looks.push(...(await lookAtConfigs(host)))
    else if (kind === 'unit') looks.push(await lookAtUnit(host))
    else if (kind === 'process') looks.push({ kind, place: 'the processes', found: await all(host, await processLaunches(host)), note: '' })
    else if (kind === 'apiserver') {
      const found = nearApiServer === undefined || nearApiServer.etcdServers.length === 0 ? [] : [etcdOf(nearApiServer)]
      looks.push({ kind, place: 'the manifest of kube-apiserver', found, note: '' })
    } else if (kind === 'environment') looks.push(await lookAtEnvironment(host))
    else if (hasFound())
      looks.push({ kind, place: 'pods of the cluster', found: [], note: 'kubectl was not asked, for there is something on this host' })
    else looks.push(await lookAtPods(host, await askKubectl()))
  }
  return { looks, found: looks.find((look) => look.found.length > 0)?.found ?? [], apiServer: nearApiServer }
}

async function namedProcess(host: Host, id: string): Promise<Manifests> {
  const launches = await processLaunches(host, id)
  if (launches.length === 0) throw new KpipeError('KPIPE_USAGE', `process ${id} is no etcd, or is gone`)
  return { launches, apiServer: undefined, faults: [] }
}

function all(host: Host, launches: readonly Launch[]): Promise<FoundEtcd[]> {
  return Promise.all(launches.map((launch) => foundEtcd(host, launch)))
}

async function lookAtConfigs(host: Host): Promise<Look[]> {
  const looks: Look[] = []
  for (const place of configFiles) {
    const read = await host.read(place)
    const launches = read.text === undefined ? [] : [{ ...plainLaunch('config', place), configFile: place }]
    const note = read.text !== undefined || read.code === 'ENOENT' ? '' : notRead([`${place} (${read.code})`])
    looks.push({ kind: 'config', place, found: await all(host, launches), note })
  }
  return looks
}

async function lookAtUnit(host: Host): Promise<Look> {
  const place = `${unitFolders[0]} and ${unitFolders.length - 1} more folders, for etcd.service`
  const faults: string[] = []
  for (const folder of unitFolders) {
    const path = `${folder}/etcd.service`
    const read = await host.read(path)
    // A mask is an empty file, or a link to /dev/null, in a stronger folder than the unit's.
    const isMask = read.text === undefined ? read.code === 'EINVAL' : read.text.trim() === ''
    if (isMask) return { kind: 'unit', place, found: [], note: `${path} masks it` }
    if (read.text === undefined && read.code !== 'ENOENT') faults.push(`${path} (${read.code})`)
    const launch = read.text === undefined ? undefined : await unitLaunch(host, { path, text: read.text })
    if (launch !== undefined) return { kind: 'unit', place: path, found: await all(host, [launch]), note: '' }
  }
  return { kind: 'unit', place, found: [], note: notRead(faults) }
}

/** The pod on this host first: its files are here. */
async function lookAtPods(host: Host, answer: KubectlAnswer): Promise<Look> {
  const nothing = { kind: 'kubectl', place: 'pods of the cluster', found: [] } as const
  if (answer.text === undefined) return { ...nothing, note: `${kubectlCommand}: ${answer.why}` }
  try {
    const found = await all(host, podLaunches(podsIn(answer.text), { kind: 'kubectl', place: 'kubectl', host: host.name }))
    return { ...nothing, found: found.toSorted((one, other) => Number(other.local) - Number(one.local)), note: '' }
  } catch (error) {
    return { ...nothing, note: `what kubectl says is no YAML: ${(error as Error).message}` }
  }
}

async function lookAtEnvironment(host: Host): Promise<Look> {
  const variables = Object.entries(host.env).flatMap(([name, value]): [string, string][] =>
    /^ETCD(?:CTL)?_/.test(name) && value ? [[name, value]] : [],
  )
  const says = variables.some(([name]) =>
    /^ETCD(?:CTL_(?:ENDPOINTS|CACERT|CERT)|_(?:LISTEN|ADVERTISE)_CLIENT_URLS|_CONFIG_FILE)$/.test(name),
  )
  const launch = { ...plainLaunch('environment', 'the environment'), env: saidIn('the environment', variables) }
  return { kind: 'environment', place: 'the environment (ETCD_*, ETCDCTL_*)', found: says ? await all(host, [launch]) : [], note: '' }
}

function notRead(faults: readonly string[]): string {
  return faults.length === 0 ? '' : `this user cannot read ${faults.join(', ')}`
}
