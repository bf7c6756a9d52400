import { KpipeError } from '@kpipe/engine/contracts'
import type { TlsSettings } from './tls-files.ts'

/** A client address of one member. */
export interface Endpoint {
  /** `host:port`, for messages and facts. */
  readonly address: string
  /** Name or IP address, IPv6 without brackets. */
  readonly host: string
  readonly port: number
  readonly tls: boolean
}

/** Schemes of `location` and `endpoints`; the value tells whether they ask for TLS. */
const schemes: ReadonlyMap<string, boolean> = new Map([
  ['etcd', false],
  ['etcd+http', false],
  ['http', false],
  ['etcd+https', true],
  ['https', true],
])
const defaultPort = 2379

export interface AddressSettings extends TlsSettings {
  readonly location?: string
  readonly endpoints?: readonly string[]
}

const tlsSettings = ['cacert', 'cert', 'key', 'serverName', 'insecureSkipTlsVerify'] as const

/**
 * The addresses to try, in order: `endpoints` where there are any, else `location`. One without a scheme gets TLS when there
 * is a setting of TLS, as etcdctl has it, or when `location` asks for it.
 * @throws KpipeError KPIPE_PIPELINE_INVALID, also when settings of TLS would go unused
 */
export function endpointsOf(settings: AddressSettings): Endpoint[] {
  const { location } = settings
  const texts = settings.endpoints?.length ? settings.endpoints : location === undefined ? [] : [location]
  if (texts.length === 0) throw new KpipeError('KPIPE_PIPELINE_INVALID', 'source etcd has neither location nor endpoints')
  const given = tlsSettings.filter((name) => settings[name] !== undefined && settings[name] !== false)
  const endpoints = texts.map((text) => parseEndpoint(text, given.length > 0 || (location !== undefined && parseEndpoint(location).tls)))
  if (given.length === 0 || endpoints.some(({ tls }) => tls)) return endpoints
  const plain = endpoints.length === 1 ? `${texts[0]} is` : 'all endpoints are'
  throw new KpipeError('KPIPE_PIPELINE_INVALID', `source etcd has the setting ${given.join(', ')}, but ${plain} without TLS`)
}

/** `host`, `host:port`, or either with a scheme in front. @throws KpipeError KPIPE_PIPELINE_INVALID */
export function parseEndpoint(text: string, tlsWithoutScheme = false): Endpoint {
  const [, scheme = tlsWithoutScheme ? 'https' : 'etcd', rest = ''] = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(.*)$/is.exec(text) ?? []
  const tls = schemes.get(scheme.toLowerCase())
  if (tls === undefined) throw invalid(text, `scheme ${scheme}:// is not one of ${[...schemes.keys()].join(', ')}`)
  // A scheme that URL does not know keeps every port as it is written; http: would drop port 80.
  const url = URL.parse(`etcd://${rest}`)
  if (url === null || url.hostname === '') throw invalid(text, 'there is no host and port in it')
  if (url.username !== '' || url.password !== '') throw invalid('etcd://…@…', 'a user does not belong there')
  if ((url.pathname !== '' && url.pathname !== '/') || url.search !== '' || url.hash !== '')
    throw invalid(text, 'only host and port belong there')
  const port = url.port === '' ? defaultPort : Number(url.port)
  if (port === 0) throw invalid(text, 'port 0 cannot be called')
  return { address: `${url.hostname}:${port}`, host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port, tls }
}

function invalid(text: string, seen: string): KpipeError {
  return new KpipeError('KPIPE_PIPELINE_INVALID', `etcd endpoint ${JSON.stringify(text)}: ${seen}`)
}
