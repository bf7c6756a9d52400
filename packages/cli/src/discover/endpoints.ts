import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import type { FoundEtcd } from './found-etcd.ts'
import type { Said } from './launch.ts'

const loopback = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/
/** Who listens on all addresses of IPv6 is heard on those of IPv4, too, unless the host forbids it. */
const everywhere: Readonly<Record<string, readonly string[]>> = { '0.0.0.0': ['127.0.0.1'], '[::]': ['127.0.0.1', '[::1]'] }

/**
 * Addresses at which the etcd can be called from this host, the best first: itself by loopback where it listens there (also when it
 * listens everywhere), which no network and no balancer stands in front of; else where it tells clients to find it.
 * TLS comes before none. `0.0.0.0` is no address, and nor are sockets of files.
 */
export function alternativesOf({ listen, advertise, local }: FoundEtcd): Said[] {
  const heard = listen.flatMap(({ value, from }): Heard[] => {
    const url = callable(value)
    if (url === undefined) return []
    const instead = everywhere[url.hostname]
    if (instead === undefined) return [{ value: shown(url), from, near: loopback.test(url.hostname) }]
    return instead.map((address) => ({
      value: `${url.protocol}//${address}${port(url)}`,
      from: `${from}, which is everywhere`,
      near: true,
    }))
  })
  const told = advertise.flatMap(({ value, from }): Heard[] => {
    const url = callable(value)
    return url === undefined || everywhere[url.hostname] !== undefined
      ? []
      : [{ value: shown(url), from, near: loopback.test(url.hostname) }]
  })
  const near = local ? heard.filter((one) => one.near) : []
  const far = (addresses: readonly Heard[]) => addresses.filter((one) => local || !one.near)
  const groups = [near, far(told), far(heard)]
  const values = groups.flatMap((group) => tlsFirst(group.map(({ value }) => value)))
  const all = groups.flat()
  return [...new Set(values)].map((value) => ({ value, from: all.find((one) => one.value === value)!.from }))
}

/** Whether an endpoint is this host by loopback. */
export function isNear(endpoint: string): boolean {
  return loopback.test(callable(endpoint)?.hostname ?? '')
}

interface Heard extends Said {
  readonly near: boolean
}

/** An address in the way in which members are told: host and port. */
export function hostAndPort(endpoint: string): string {
  return endpoint.replace(/^[a-z+]+:\/\//i, '')
}

/** Whether a certificate is for the host of an endpoint; one that is not known may be. */
export function isCovered(endpoint: string, certificate: X509Certificate | undefined): boolean {
  const host = callable(endpoint)?.hostname.replace(/^\[(.*)\]$/, '$1')
  if (host === undefined || certificate === undefined || !endpoint.startsWith('https:')) return true
  return (isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host)) !== undefined
}

function callable(text: string): URL | undefined {
  const url = URL.parse(text)
  return url !== null && /^https?:$/.test(url.protocol) ? url : undefined
}

function shown(url: URL): string {
  return `${url.protocol}//${url.hostname}${port(url)}`
}

/** A URL says no port where it is the usual one of its scheme; etcd's is another, but it was written down. */
function port(url: URL): string {
  return `:${url.port || (url.protocol === 'https:' ? '443' : '80')}`
}

export function tlsFirst(addresses: readonly string[]): string[] {
  const isTls = (address: string) => address.startsWith('https:')
  return [...addresses.filter(isTls), ...addresses.filter((address) => !isTls(address))]
}
