import { BoltError, readKeyValue, readRevision, walk, writeBolt } from '@kpipe/bolt'
import type { Bolt, BoltItem, WriteAt } from '@kpipe/bolt'
import { compareLines } from './database-facts.ts'
import type { DatabaseFacts } from './database-facts.ts'
import { editedItems } from './edited-items.ts'
import type { BucketEdit, Row } from './edited-items.ts'
import type { InitialCluster } from './initial-cluster.ts'
import { hexId, memberJson } from './member-json.ts'
import { lastIndex, term } from './raft-messages.ts'

/** By how much revisions rise: nobody who watched the old cluster must meet a revision that he has seen with other content. */
export type Bump = number | 'kubernetes' | 'none'

/** What Kubernetes data are raised by: more than a cluster writes between two backups. */
export const kubernetesBump = 1_000_000_000

export interface DatabaseChange {
  readonly cluster: InitialCluster
  readonly bump: Bump
  /** The line of etcd that is to run on it, when that is older than what the database names: it then names this one. */
  readonly lowerTo: string | undefined
  readonly facts: DatabaseFacts
}

export interface WrittenDatabase {
  readonly bytes: number
  /** The last revision that was found. */
  readonly revision: number
  readonly kubernetes: boolean
  readonly bumpedTo: number | undefined
}

/**
 * Writes the database of a member that has never run: all that a snapshot holds, but the new members in place of the old ones, and the raft
 * state that goes with the new log. Written afresh, so it is compact and holds nothing that was deleted.
 * Follows etcdutl from 3.5 on, also for 3.4, whose own restore leaves the old members.
 * @throws BoltError
 */
export async function writeDatabase(bolt: Bolt, change: DatabaseChange, write: WriteAt): Promise<WrittenDatabase> {
  const { cluster, bump, facts, lowerTo } = change
  let revision = 0
  let kubernetes = false
  let bumpedTo: number | undefined

  function see(bucket: string, item: BoltItem): void {
    if (bucket !== 'key' || item.value === undefined) return
    const row = readRevision(item.key)
    if (row === undefined) throw new BoltError('schema', 'bucket key holds what is no revision')
    revision = row.main
    kubernetes ||= !row.tombstone && isKubernetes(item.value)
  }

  /** A row of no bytes, as etcdutl makes it: the first start compacts up to it. */
  function bumpRow(): readonly Row[] {
    const by = bump === 'kubernetes' ? (kubernetes ? kubernetesBump : 0) : bump === 'none' ? 0 : bump
    if (by === 0) return []
    bumpedTo = revision + by
    if (!Number.isSafeInteger(bumpedTo)) throw new BoltError('schema', `revision ${revision} cannot be raised by ${by}`)
    return [[revisionKey(bumpedTo), new Uint8Array(0)]]
  }

  // The buckets come in this order: what `key` tells is known when `meta` begins.
  const edits: [string, BucketEdit][] = [
    ['key', { lastRows: bumpRow }],
    ['members', { drop: 'all', rows: () => cluster.members.map(memberRow).toSorted(([a], [b]) => Buffer.compare(a, b)) }],
    ['members_removed', { drop: 'all' }],
    ['meta', { drop: lowerTo === undefined ? new Set() : new Set(['storageVersion']), rows: () => metaRows(change, bumpedTo) }],
  ]
  if (lowerTo !== undefined && facts.clusterVersion !== undefined)
    edits.push(['cluster', { rows: () => [[Buffer.from('clusterVersion'), Buffer.from(`${lowerTo}.0`)]] }])
  const items = editedItems(walk(bolt), new Map(edits), see)
  const { bytes } = await writeBolt(items, bolt.pages.pageBytes, write)
  return { bytes, revision, kubernetes, bumpedTo }
}

/** Ascending by key. 3.5 and older do not know a storage version. */
function metaRows({ cluster, lowerTo, facts }: DatabaseChange, bumpedTo: number | undefined): Row[] {
  const rows: [string, Uint8Array][] = [['consistent_index', u64(lastIndex(cluster))]]
  if (bumpedTo !== undefined) rows.push(['scheduledCompactRev', revisionKey(bumpedTo)])
  if (lowerTo !== undefined && facts.storageVersion !== undefined && compareLines(lowerTo, '3.6') >= 0)
    rows.push(['storageVersion', Buffer.from(`${lowerTo}.0`)])
  rows.push(['term', u64(term)])
  return rows.map(([key, value]) => [Buffer.from(key), value])
}

function memberRow(member: InitialCluster['self']): Row {
  return [Buffer.from(hexId(member.id)), Buffer.from(memberJson(member))]
}

function u64(value: bigint): Uint8Array {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(value)
  return bytes
}

function revisionKey(main: number): Uint8Array {
  return Buffer.concat([u64(BigInt(main)), Buffer.from('_'), u64(0n)])
}

const registry = Buffer.from('/registry/')
const envelopes = ['k8s\0', 'k8s:enc:'].map((text) => Buffer.from(text))

/** Of a row of bucket key: an object of Kubernetes by the name of its key, or under any prefix by its value: protocol buffers, or encrypted. */
function isKubernetes(row: Uint8Array): boolean {
  const { key, value } = readKeyValue(row)
  return startsWith(key, registry) || envelopes.some((envelope) => startsWith(value, envelope))
}

function startsWith(bytes: Uint8Array, start: Uint8Array): boolean {
  return Buffer.compare(bytes.subarray(0, start.length), start) === 0
}
