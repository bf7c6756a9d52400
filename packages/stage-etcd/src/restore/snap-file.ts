import { crc32c } from '@kpipe/bolt'
import type { Form } from './form.ts'
import type { InitialCluster, Member } from './initial-cluster.ts'
import { goString, hexId, raftAttributes } from './member-json.ts'
import { confState, lastIndex, message, term } from './raft-messages.ts'
import { viewOf } from './wal.ts'

/** Its name tells term and index. */
export function snapName(cluster: InitialCluster): string {
  return `${[term, lastIndex(cluster)].map((number) => number.toString(16).padStart(16, '0')).join('-')}.snap`
}

/**
 * The raft snapshot that a restored member begins with. 3.4 and 3.5 take the members from the store of version 2 in it; 3.6 reads it and
 * takes them from the database; 3.7 leaves it alone.
 */
export function snapFile(cluster: InitialCluster, form: Form): Uint8Array {
  const metadata = message([1, confState(cluster, form)], [2, lastIndex(cluster)], [3, term])
  const snapshot = message([1, storeJson(cluster, form)], [2, metadata])
  return message([1, BigInt(crc32c(viewOf(snapshot), 0, snapshot.length))], [2, snapshot])
}

const counters = [
  'getsSuccess', 'getsFail', 'setsSuccess', 'setsFail', 'deleteSuccess', 'deleteFail', 'updateSuccess', 'updateFail',
  'createSuccess', 'createFail', 'compareAndSwapSuccess', 'compareAndSwapFail', 'compareAndDeleteSuccess', 'compareAndDeleteFail',
  'expireCount', 'watchers',
] // prettier-ignore
/** Of the history of events, which is kept as a ring. */
const capacity = 1000

/** The store as Go's encoder of JSON writes it. */
function storeJson(cluster: InitialCluster, form: Form): string {
  // From 3.6 on etcdutl adds the members in no order at all; any is right.
  const created = form === '3.4' || form === '3.5' ? cluster.members : cluster.named
  const count = created.length
  const folders = created
    .map((member, i): [string, string] => [hexId(member.id), memberFolder(member, i + 1)])
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([id, json]) => `${goString(id)}:${json}`)
  const members = folder('/0/members', 1, folders.join())
  const root = folder('/', 0, `"0":${folder('/0', 0, `"members":${members}`)},"1":${folder('/1', 0, '')}`)
  const events = [...created.map((member, i) => creation(member, i + 1)), ...Array<string>(Math.max(0, capacity - count)).fill('null')]
  const queue = `{"Events":[${events.join()}],"Size":${count},"Front":0,"Back":${count},"Capacity":${capacity}}`
  const watchers = `{"EventHistory":{"Queue":${queue},"StartIndex":1,"LastIndex":${count}}}`
  const failedGets = form === '3.4' || form === '3.5' ? 0 : 1
  const stats = counters.map((name) => `"${name}":${name === 'createSuccess' ? count : name === 'getsFail' ? failedGets : 0}`)
  return `{"Root":${root},"WatcherHub":${watchers},"CurrentIndex":${count},"Stats":{${stats.join()}},"CurrentVersion":2}`
}

function folder(path: string, index: number, children: string): string {
  return node(path, index, '""', `{${children}}`)
}

function node(path: string, index: number, value: string, children: string): string {
  const indexes = `"CreatedIndex":${index},"ModifiedIndex":${index}`
  return `{"Path":${goString(path)},${indexes},"ExpireTime":"0001-01-01T00:00:00Z","Value":${value},"Children":${children}}`
}

const memberPath = ({ id }: Member) => `/0/members/${hexId(id)}`

function memberFolder(member: Member, index: number): string {
  const path = memberPath(member)
  const leaf = node(`${path}/raftAttributes`, index, goString(raftAttributes(member)), 'null')
  return folder(path, index, `"raftAttributes":${leaf}`)
}

function creation(member: Member, index: number): string {
  const key = goString(`${memberPath(member)}/raftAttributes`)
  const indexes = `"modifiedIndex":${index},"createdIndex":${index}`
  return `{"action":"create","node":{"key":${key},"value":${goString(raftAttributes(member))},${indexes}}}`
}
