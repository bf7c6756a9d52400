import { randomBytes } from 'node:crypto'
import { dirname, join } from 'node:path'
import { KpipeError } from '@kpipe/engine/contracts'
import { withHint } from '../failure.ts'
import type { Snapshot } from '@kpipe/repository'
import { digestOf } from '../restore/expected-digest.ts'
import type { DataDirFlags } from '../restore/data-dir-flags.ts'
import { listed } from './cluster-file.ts'
import type { ClusterFile, ClusterMember } from './cluster-file.ts'
import { membersIn } from './cluster-of-snapshot.ts'
import type { Insight } from './look-into.ts'
import { serviceOf } from './service.ts'
import type { Service } from './service.ts'

/** By how much the revisions of Kubernetes data are raised, as a restore does by default. */
const kubernetesBump = 1_000_000_000

export interface PlannedMember {
  readonly name: string
  readonly host: string
  readonly peerUrls: readonly string[]
  readonly clientUrls: readonly string[]
  readonly dataDir: string
  readonly walDir: string | undefined
  readonly owner: string | undefined
  readonly etcd: Service
}

/** A restore of a whole cluster in which everything is decided: whoever reads it does the same. */
export interface RestorePlan {
  readonly snapshot: Snapshot
  readonly digest: string
  readonly token: string
  /** Undefined: each restore decides by the same bytes. */
  readonly bump: number | 'none' | undefined
  readonly etcdVersion: ClusterFile['etcdVersion']
  readonly force: boolean
  readonly members: readonly PlannedMember[]
  /** Members that the snapshot names and the plan does not. */
  readonly leftOut: readonly { readonly name: string; readonly host: string }[]
  readonly apiserver: Service | undefined
  readonly apiserverHosts: readonly string[]
  /** Files that etcdctl is given; empty without TLS. */
  readonly tls: { readonly cacert?: string; readonly cert?: string; readonly key?: string }
  readonly insight: Insight
  /** What nobody said. */
  readonly assumed: readonly string[]
}

export interface Deciding {
  readonly snapshot: Snapshot
  readonly cluster: ClusterFile
  readonly insight: Insight
  readonly assumed: readonly string[]
  /** Certificates of the pipeline file's source. */
  readonly pipelineTls: RestorePlan['tls']
}

/** @throws KpipeError KPIPE_DIGEST_MISMATCH, KPIPE_USAGE when the file was made for another snapshot */
export function decide({ snapshot, cluster, insight, assumed: before, pipelineTls }: Deciding): RestorePlan {
  const digest = digestOf(snapshot)
  const assumed = [...before]
  if (cluster.snapshot !== undefined && cluster.snapshot !== snapshot.id)
    throw new KpipeError('KPIPE_USAGE', `the plan is of snapshot ${cluster.snapshot.slice(0, 12)}, and this is ${snapshot.shortId}`)
  refuseOlder(cluster, snapshot)
  const members = cluster.members.map((member) => planned(member, cluster, assumed))
  const known = new Set(members.map(({ name }) => name))
  const leftOut = membersIn(snapshot.facts)
    .filter(({ name }) => !known.has(name))
    .map((member) => ({ name: member.name, host: hostOf(listed(member.peerUrls)[0]!) ?? member.name }))
  const staticPod = members.find(({ etcd }) => etcd.kind === 'pod')?.etcd
  const apiserver = apiserverOf(cluster, staticPod, insight, assumed)
  const secure = members.some(({ clientUrls }) => clientUrls.some((url) => url.startsWith('https:')))
  return {
    snapshot,
    digest,
    token: cluster.token ?? `kpipe-${snapshot.shortId}-${randomBytes(6).toString('hex')}`,
    bump: cluster.bump ?? (insight.kubernetes || apiserver !== undefined ? kubernetesBump : undefined),
    etcdVersion: cluster.etcdVersion,
    force: cluster.force ?? false,
    members,
    leftOut,
    apiserver,
    apiserverHosts: apiserver === undefined ? [] : (cluster.apiserverHosts ?? [...members, ...leftOut].map(({ host }) => host)),
    tls: secure ? tlsOf(cluster, staticPod, pipelineTls, assumed) : {},
    insight,
    assumed,
  }
}

/** As each restore would, but before anything is stopped for it. @throws KpipeError KPIPE_USAGE */
function refuseOlder({ etcdVersion, force }: ClusterFile, { facts }: Snapshot): void {
  if (etcdVersion === undefined || force) return
  const number = (version: string) =>
    version
      .split('.')
      .slice(0, 2)
      .reduce((sum, part) => sum * 1000 + Number(part), 0)
  const newer = [facts['cluster_version'], facts['storage_version']].find(
    (fact) => typeof fact === 'string' && number(fact) > number(etcdVersion),
  )
  if (newer === undefined) return
  const error = new KpipeError(
    'KPIPE_USAGE',
    `the snapshot is of etcd ${String(newer)}, and etcd ${etcdVersion}, which is older, is to run on it`,
  )
  throw withHint(error, 'Name another etcdVersion in the cluster file, or say `force: true` there.')
}

/** The flags of the restore of one member. */
export function memberFlags(
  plan: RestorePlan,
  { name, peerUrls, dataDir, walDir, owner }: PlannedMember,
): DataDirFlags & { readonly 'data-dir': string } {
  const { bump } = plan
  return {
    'data-dir': dataDir,
    'wal-dir': walDir,
    name,
    'initial-cluster': initialCluster(plan),
    'initial-cluster-token': plan.token,
    'initial-advertise-peer-urls': peerUrls.join(),
    ...(typeof bump === 'number' && { 'bump-revision': bump, 'mark-compacted': true }),
    ...(bump === 'none' && { 'no-bump': true }),
    owner,
    'move-aside': true,
    'etcd-version': plan.etcdVersion,
    force: plan.force,
  }
}

export function initialCluster({ members }: RestorePlan): string {
  return members.flatMap(({ name, peerUrls }) => peerUrls.map((url) => `${name}=${url}`)).join()
}

function planned(member: ClusterMember, cluster: ClusterFile, assumed: string[]): PlannedMember {
  const peerUrls = listed(member.peerUrls)
  const clientUrls = listed(member.clientUrls)
  const assume = (what: string) => void (assumed.includes(what) || assumed.push(what))
  const dataDir = member.dataDir ?? cluster.dataDir
  if (dataDir === undefined) assume('data directories are /var/lib/etcd')
  if (clientUrls.length === 0) assume('clients reach a member at the host of its peer URL, port 2379')
  const etcd = member.etcd ?? cluster.etcd
  if (etcd === undefined) assume('etcd is started and stopped by hand')
  const [peer = ''] = peerUrls
  return {
    name: member.name,
    host: member.host ?? (member.name === 'default' ? (hostOf(peer) ?? member.name) : member.name),
    peerUrls,
    clientUrls: clientUrls.length > 0 ? clientUrls : [`${peer.split(':')[0]}://${hostOf(peer)}:2379`],
    dataDir: dataDir ?? '/var/lib/etcd',
    walDir: member.walDir ?? cluster.walDir,
    owner: member.owner ?? cluster.owner,
    etcd: serviceOf(etcd ?? 'hand', 'etcd'),
  }
}

function apiserverOf(cluster: ClusterFile, pod: Service | undefined, insight: Insight, assumed: string[]): Service | undefined {
  if (cluster.apiserver !== undefined) return cluster.apiserver === 'none' ? undefined : serviceOf(cluster.apiserver, 'kube-apiserver')
  if (pod?.kind === 'pod') {
    const manifest = join(dirname(pod.manifest), 'kube-apiserver.yaml')
    assumed.push(`the API servers are static pods, ${manifest}`)
    return serviceOf(manifest, 'kube-apiserver')
  }
  if (insight.kubernetes === undefined) return undefined
  assumed.push('the API servers, for these are data of Kubernetes, are started and stopped by hand')
  return serviceOf('hand', 'kube-apiserver')
}

function tlsOf(cluster: ClusterFile, pod: Service | undefined, pipeline: RestorePlan['tls'], assumed: string[]): RestorePlan['tls'] {
  const { cacert, cert, key } = cluster
  const given = { ...(cacert !== undefined && { cacert }), ...(cert !== undefined && { cert }), ...(key !== undefined && { key }) }
  if (Object.keys(given).length > 0) return given
  if (pod !== undefined) {
    const folder = '/etc/kubernetes/pki/etcd'
    assumed.push(`certificates for etcdctl are in ${folder}, as kubeadm puts them there`)
    return { cacert: `${folder}/ca.crt`, cert: `${folder}/healthcheck-client.crt`, key: `${folder}/healthcheck-client.key` }
  }
  if (Object.keys(pipeline).length > 0) assumed.push('certificates for etcdctl are where the pipeline file has them here')
  else assumed.push('etcdctl needs --cacert, --cert and --key, which nobody named')
  return pipeline
}

function hostOf(url: string): string | undefined {
  return URL.parse(url)?.hostname
}
