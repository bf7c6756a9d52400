import { BoltError, readFields, walk } from '@kpipe/bolt'
import type { Bolt } from '@kpipe/bolt'

/** What small buckets of a database say of the cluster that it was taken from. */
export interface DatabaseFacts {
  /** The line of etcd, as `3.6`: the highest that the database names. Before 3.5 none is named, and it is told by what is missing. */
  readonly line: string
  /** As `3.6.0`; undefined when it is not there. */
  readonly clusterVersion: string | undefined
  readonly storageVersion: string | undefined
  /** `NOSPACE`, `CORRUPT`, or a number that is neither. */
  readonly alarms: readonly string[]
  readonly authEnabled: boolean
  readonly downgrading: boolean
}

/** @throws BoltError schema when it is no database of etcd */
export async function readDatabaseFacts(bolt: Bolt): Promise<DatabaseFacts> {
  const [alarm, auth, cluster, meta] = await Promise.all(['alarm', 'auth', 'cluster', 'meta'].map((name) => smallBucket(bolt, name)))
  if ((await hasBucket(bolt, 'key')) === false || meta === undefined)
    throw new BoltError('schema', 'a database without the buckets key and meta is not of etcd')
  const text = (bucket: ReadonlyMap<string, Uint8Array> | undefined, key: string) => {
    const value = bucket?.get(key)
    return value && Buffer.from(value).toString()
  }
  const storageVersion = text(meta, 'storageVersion')
  const clusterVersion = text(cluster, 'clusterVersion')
  const written = [storageVersion, clusterVersion].map(lineOf).filter((line) => line !== undefined)
  return {
    line: [meta.has('term') ? '3.5' : '3.4', ...written].reduce((a, b) => (compareLines(a, b) < 0 ? b : a)),
    clusterVersion,
    storageVersion,
    alarms: [...(alarm?.keys() ?? [])].map(alarmName),
    authEnabled: auth?.get('authEnabled')?.[0] === 1,
    downgrading: /"enabled":true/.test(text(cluster, 'downgrade') ?? ''),
  }
}

/** Of two lines such as `3.6`: below, at or above 0. */
export function compareLines(a: string, b: string): number {
  const [majorA = 0, minorA = 0] = a.split('.').map(Number)
  const [majorB = 0, minorB = 0] = b.split('.').map(Number)
  return majorA - majorB || minorA - minorB
}

/** `3.6` of `3.6.0`. */
export function lineOf(version: string | undefined): string | undefined {
  return /^(\d+\.\d+)\.\d+/.exec(version ?? '')?.[1]
}

const mostItems = 10_000

/** Items of a bucket by their keys, as latin1; undefined when there is no such bucket. */
async function smallBucket(bolt: Bolt, name: string): Promise<Map<string, Uint8Array> | undefined> {
  let items: Map<string, Uint8Array> | undefined
  for await (const { path, key, value } of walk(bolt, name)) {
    items ??= new Map()
    if (path.length === 1 && value !== undefined) items.set(Buffer.from(key).toString('latin1'), value)
    if (items.size > mostItems) throw new BoltError('schema', `bucket ${name} holds more than ${mostItems} items`)
  }
  return items
}

async function hasBucket(bolt: Bolt, name: string): Promise<boolean> {
  for await (const { path } of walk(bolt, name)) return path.length === 0
  return false
}

/** By the key of its row, an AlarmMember: 1 member, 2 alarm. */
function alarmName(key: string): string {
  let alarm = 0
  for (const { number, value } of readFields(Buffer.from(key, 'latin1')))
    if (number === 2 && typeof value === 'bigint') alarm = Number(value)
  return ['NONE', 'NOSPACE', 'CORRUPT'][alarm] ?? String(alarm)
}
