import { BoltError, walk } from '@kpipe/bolt'
import type { Bolt } from '@kpipe/bolt'

/** What small buckets of a member's database say of it. */
export interface MemberRows {
  /** The last entry of the log that the database has; 0 where etcd has not come to write it. */
  readonly consistentIndex: number
  /** Undefined before 3.5. */
  readonly term: number | undefined
  /** Ids are 16 hex digits. */
  readonly members: readonly { readonly id: string; readonly name: string; readonly peer_urls: readonly string[] }[]
}

const mostMembers = 1000

/** @throws BoltError schema when it is no database of etcd */
export async function readMemberRows(bolt: Bolt): Promise<MemberRows> {
  const meta = new Map<string, Uint8Array>()
  let found = false
  for await (const { key, value } of walk(bolt, 'meta')) {
    found = true
    if (value !== undefined) meta.set(Buffer.from(key).toString(), value)
  }
  if (!found) throw new BoltError('schema', 'a database without the bucket meta is not of etcd')
  const members: MemberRows['members'][number][] = []
  for await (const { key, value } of walk(bolt, 'members')) {
    if (value === undefined) continue
    if (members.length === mostMembers) throw new BoltError('schema', `it has more than ${mostMembers} members`)
    members.push(memberOf(key, value))
  }
  return { consistentIndex: counter(meta.get('consistent_index')) ?? 0, term: counter(meta.get('term')), members }
}

/** The id is taken from the key: as a number of JSON it would lose its last digits. */
function memberOf(key: Uint8Array, value: Uint8Array): MemberRows['members'][number] {
  let json: { readonly name?: unknown; readonly peerURLs?: unknown } = {}
  try {
    json = JSON.parse(Buffer.from(value).toString()) as typeof json
  } catch {
    // A row that is no JSON says nothing but its id.
  }
  const urls = Array.isArray(json.peerURLs) ? json.peerURLs.filter((url) => typeof url === 'string') : []
  const name = typeof json.name === 'string' ? json.name : ''
  return { id: Buffer.from(key).toString().padStart(16, '0'), name, peer_urls: urls }
}

/** u64 BE, or undefined when it is none below 2^53. */
function counter(bytes: Uint8Array | undefined): number | undefined {
  if (bytes?.length !== 8) return undefined
  const value = Number(Buffer.from(bytes).readBigUInt64BE())
  return Number.isSafeInteger(value) ? value : undefined
}
