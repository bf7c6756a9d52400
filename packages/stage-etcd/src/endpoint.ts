import { KpipeError } from '@kpipe/engine/contracts'
import type { TlsSettings } from './tls-files.ts'

/** A client address of one member. */
export interface Endpoint {
  /** `host:port`, or `unix:///path`, for messages and facts. */
  readonly address: string
  /** Name or IP address, IPv6 without brackets; `localhost` with a socket. */
  readonly host: string
  /** 0 with a socket. */
  readonly port: number
  /** Path of a Unix socket that is called in place of host and port. */
  readonly socket?: string
  readonly tls: boolean
}

/** Schemes of `location` and `endpoints`; the value tells whether they ask for TLS. */
const schemes: ReadonlyMap<string, boolean> = new Map([
  ['etcd', false],
  ['etcd+http', false],
  ['http', false],
  ['etcd+https', true],
  ['https', true],
  ['unix', false],
  ['unixs', true],
])
const defaultPort = 2379
/** Of `sockaddr_un`, less the zero at its end. */
const mostSocketBytes = 107

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

/** `host`, `host:port`, either with a scheme in front, or `unix:///path`. @throws KpipeError KPIPE_PIPELINE_INVALID */
export function parseEndpoint(text: string, tlsWithoutScheme = false): Endpoint {
  const [, scheme = tlsWithoutScheme ? 'https' : 'etcd', rest = ''] = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(.*)$/is.exec(text) ?? []
  const tls = schemes.get(scheme.toLowerCase())
  if (tls === undefined) throw invalid(text, `scheme ${scheme}:// is not one of ${[...schemes.keys()].join(', ')}`)
  if (/^unixs?$/i.test(scheme)) {
    if (!rest.startsWith('/')) throw invalid(text, 'the path of a socket begins with /')
    if (Buffer.byteLength(rest) > mostSocketBytes)
      throw invalid(text, `the path of a socket has at most ${mostSocketBytes} bytes, and this one ${Buffer.byteLength(rest)}`)
    return { address: `${scheme.toLowerCase()}://${rest}`, host: 'localhost', port: 0, socket: rest, tls }
  }
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
