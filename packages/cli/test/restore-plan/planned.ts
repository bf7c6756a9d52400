import type { Facts } from '@kpipe/engine/contracts'
import type { Snapshot } from '@kpipe/repository'
import type { ClusterFile } from '../../src/restore-plan/cluster-file.ts'
import { decide } from '../../src/restore-plan/decide.ts'
import type { RestorePlan } from '../../src/restore-plan/decide.ts'
import type { Insight } from '../../src/restore-plan/look-into.ts'

/** A snapshot as a repository gives it, as far as plans look at it. */
export function snapshotWith(facts: Facts = {}): Snapshot {
  const id = '1f0c'.repeat(16)
  const digest = Buffer.alloc(32, 0xab)
  return {
    id,
    shortId: id.slice(0, 12),
    name: 'prod',
    member: '',
    time: new Date('2026-11-01T10:00:00Z'),
    revision: 142,
    keys: 31,
    bytes: 73_760,
    tags: [],
    facts: { status_hash: 0xfeed, ...facts },
    manifest: { streams: [{ digest }] } as unknown as Snapshot['manifest'],
  }
}

export const nothingSpecial: Insight = { kubernetes: undefined, encryption: [], alarms: [], authEnabled: false }
export const kubernetes: Insight = { ...nothingSpecial, kubernetes: true }

export function planned(cluster: ClusterFile, insight: Insight = kubernetes, facts: Facts = {}): RestorePlan {
  const token = cluster.token ?? 'kpipe-token'
  return decide({ snapshot: snapshotWith(facts), cluster: { ...cluster, token }, insight, assumed: [], pipelineTls: {} })
}

/** As kubeadm sets it up on three hosts. */
export const kubeadm: ClusterFile = {
  etcd: '/etc/kubernetes/manifests/etcd.yaml',
  members: [1, 2, 3].map((n) => ({ name: `cp${n}`, peerUrls: `https://10.0.0.1${n}:2380` })),
}

/** Three hosts with etcd alone, each a little different. */
export const units: ClusterFile = {
  etcd: 'etcd.service',
  apiserver: 'none',
  bump: 'none',
  dataDir: '/var/lib/etcd/default',
  cacert: '/etc/etcd/ca.crt',
  members: [
    { name: 'a', host: 'a.example', peerUrls: ['https://a.example:2380'], clientUrls: 'https://a.example:2379', owner: 'etcd:etcd' },
    { name: 'b', host: 'b.example', peerUrls: ['https://b.example:2380'], clientUrls: 'https://b.example:2379', walDir: '/fast/wal' },
    { name: 'c', host: 'c.example', peerUrls: ['https://c.example:2380'], clientUrls: 'https://c.example:2379', etcd: 'hand' },
  ],
}
