import { createHash } from 'node:crypto'
import { KpipeError } from '@kpipe/engine/contracts'

export interface Member {
  readonly name: string
  /** Ascending. */
  readonly peerUrls: readonly string[]
  readonly id: bigint
}

/** A cluster that begins anew, as etcd computes its ids. */
export interface InitialCluster {
  readonly id: bigint
  /** By ascending id. */
  readonly members: readonly Member[]
  /** In the order in which they were named. */
  readonly named: readonly Member[]
  /** The member that is restored. */
  readonly self: Member
}

export interface ClusterSettings {
  readonly name: string
  /** `m1=http://10.0.0.1:2380,m2=http://10.0.0.2:2380`; a repeated name gives it more URLs. Default: this member alone. */
  readonly initialCluster?: string | undefined
  readonly initialClusterToken: string
  /** Separated by commas. */
  readonly initialAdvertisePeerUrls: string
}

/**
 * Checks what etcdutl checks, but for host names, which are compared as they are written.
 * Ids: SHA-1 of a member's sorted URLs and the token, and of all members' ids; the first 8 bytes, big-endian.
 * @throws KpipeError KPIPE_USAGE
 */
export function readInitialCluster(settings: ClusterSettings): InitialCluster {
  const { name, initialClusterToken: token } = settings
  const text = settings.initialCluster ?? `${name}=http://localhost:2380`
  const urls = new Map<string, string[]>()
  for (const part of text.split(',').filter(Boolean)) {
    const [member = '', url = ''] = splitAtFirst(part, '=')
    urls.set(member, [...(urls.get(member) ?? []), checkedUrl(url, part)])
  }
  const all = [...urls.values()].flat()
  const twice = all.find((url, i) => all.indexOf(url) !== i)
  if (twice !== undefined) throw usage(`the initial cluster ${text} has the URL ${twice} twice`)
  const named = [...urls].map(([member, memberUrls]) => {
    const peerUrls = memberUrls.toSorted(byBytes)
    return { name: member, peerUrls, id: firstBytes(Buffer.from(peerUrls.join('') + token)) }
  })
  const self = named.find((member) => member.name === name)
  if (self === undefined) throw usage(`the initial cluster ${text} has no member ${name}`)
  const advertised = settings.initialAdvertisePeerUrls.split(',').map((url) => checkedUrl(url, settings.initialAdvertisePeerUrls))
  if (advertised.toSorted(byBytes).join() !== self.peerUrls.join())
    throw usage(`the peer URLs ${advertised.join()} are not those of ${name} in the initial cluster, ${self.peerUrls.join()}`)
  const members = named.toSorted((a, b) => (a.id < b.id ? -1 : 1))
  const ids = Buffer.alloc(8 * members.length)
  for (const [i, { id }] of members.entries()) ids.writeBigUInt64BE(id, 8 * i)
  return { id: firstBytes(ids), members, named, self }
}

function firstBytes(bytes: Uint8Array): bigint {
  return createHash('sha1').update(bytes).digest().readBigUInt64BE()
}

/** As Go sorts strings. */
function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

function splitAtFirst(text: string, separator: string): string[] {
  const at = text.indexOf(separator)
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)]
}

const httpUrl = /^https?:\/\/(?:\[[0-9a-fA-F:.%]+\]|[^/:?#[\]\s]*):\d+(?:\?[^#]*)?$/
const unixUrl = /^unixs?:\/\/\S+$/

function checkedUrl(given: string, where: string): string {
  const trimmed = given.trim()
  const url = trimmed.replace(/^[a-zA-Z]+(?=:)/, (scheme) => scheme.toLowerCase())
  if (httpUrl.test(url) || unixUrl.test(url)) return url
  throw usage(
    `${where}: ${trimmed === '' ? 'an empty URL' : trimmed} is not of the form http://host:port, https://host:port or unix://name`,
  )
}

function usage(message: string): KpipeError {
  return new KpipeError('KPIPE_USAGE', message)
}
