import { BoltError, findPageBytes, openBolt, readFields, readKeyValue, walk } from '@kpipe/bolt'
import type { Bolt, Pages } from '@kpipe/bolt'
import { sealedReader } from '@kpipe/engine'
import type { RestoreRun } from '../restore/run-restore.ts'
import { codecFinder } from '../restore/codec-finder.ts'
import { hasherOf } from '../restore/hasher.ts'
import { naming } from '../restore/naming.ts'

/** What a restore has to reckon with, read out of a snapshot's stored bytes. */
export interface Insight {
  /** Undefined when none of the first rows is of Kubernetes: others may be. */
  readonly kubernetes: true | undefined
  /** As `aescbc:v1:key1`: providers and keys that values were encrypted with, among the first rows. */
  readonly encryption: readonly string[]
  readonly alarms: readonly string[]
  readonly authEnabled: boolean
}

/** Rows of bucket key that are looked at, oldest revision first: a few MiB, whatever the size of the database. */
const mostRows = 5000
const mostAlarms = 1000
/** Enough for the meta pages. */
const headBytes = 64 << 10

/** @throws KpipeError KPIPE_DAMAGED, KPIPE_OBJECT_MISSING; BoltError */
export async function lookInto(
  run: Pick<RestoreRun, 'repository' | 'snapshot' | 'stages' | 'pipeline' | 'overrides' | 'workers'>,
): Promise<Insight> {
  const { repository, snapshot, stages, pipeline, overrides, workers } = run
  const hash = await hasherOf(repository, stages)
  const codec = codecFinder(stages, pipeline, overrides)
  const work = async (): Promise<Insight> => {
    const stream = await repository.openStream(snapshot)
    const reader = sealedReader({ stream, hash, codec, workers, cacheBytes: 64 << 20 })
    const pageBytes = findPageBytes(await reader.read(0, headBytes))
    if (pageBytes === undefined) throw new BoltError('not-bolt', 'it does not begin with the meta pages of a database')
    const pages: Pages = {
      bytes: stream.bytes % 512 === 32 ? stream.bytes - 32 : stream.bytes,
      pageBytes,
      read: (page, count) => reader.read(page * pageBytes, count * pageBytes),
    }
    const bolt = await openBolt(pages)
    return { ...(await firstRows(bolt)), alarms: await alarmsOf(bolt), authEnabled: await isAuthEnabled(bolt) }
  }
  return naming(snapshot, () => repository.reading(snapshot, work))
}

const registry = '/registry/'
const protobuf = 'k8s\0'
/** Of a key or plugin only what stands in a plan as it is. */
const encrypted = /^k8s:enc:([a-z0-9]+:v\d+:[\w.@/+-]{0,100}):/

/** Objects of Kubernetes by the name of their key, or under any prefix by their value, as the target of etcd tells them. */
async function firstRows(bolt: Bolt): Promise<Pick<Insight, 'kubernetes' | 'encryption'>> {
  const encryption = new Set<string>()
  let kubernetes: true | undefined
  let rows = 0
  for await (const { value: row } of walk(bolt, 'key')) {
    if (row === undefined) continue
    if (++rows > mostRows) break
    const { key, value } = readKeyValue(row)
    const start = Buffer.from(value.subarray(0, 200)).toString('latin1')
    const provider = encrypted.exec(start)?.[1]
    if (provider !== undefined) encryption.add(provider)
    if (provider !== undefined || start.startsWith(protobuf) || Buffer.from(key.subarray(0, registry.length)).toString() === registry)
      kubernetes = true
  }
  return { kubernetes, encryption: [...encryption] }
}

/** Each is the key of a row, an AlarmMember: 1 member, 2 alarm. */
async function alarmsOf(bolt: Bolt): Promise<string[]> {
  const names = new Set<string>()
  let rows = 0
  for await (const { path, key } of walk(bolt, 'alarm')) {
    if (path.length === 0 || ++rows > mostAlarms) continue
    for (const { number, value } of readFields(key))
      if (number === 2 && typeof value === 'bigint') names.add(['NONE', 'NOSPACE', 'CORRUPT'][Number(value)] ?? String(value))
  }
  return [...names]
}

async function isAuthEnabled(bolt: Bolt): Promise<boolean> {
  for await (const { key, value } of walk(bolt, 'auth'))
    if (value !== undefined && Buffer.from(key).toString() === 'authEnabled') return value[0] === 1
  return false
}
