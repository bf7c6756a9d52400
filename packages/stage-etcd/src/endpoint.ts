import { KpipeError } from '@kpipe/engine/contracts'

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

/**
 * The addresses to try, in order: `endpoints` where there are any, else `location`.
 * @throws KpipeError KPIPE_PIPELINE_INVALID
 */
export function endpointsOf(settings: { readonly location?: string; readonly endpoints?: readonly string[] }): Endpoint[] {
  const texts = settings.endpoints?.length ? settings.endpoints : settings.location === undefined ? [] : [settings.location]
  if (texts.length === 0) throw new KpipeError('KPIPE_PIPELINE_INVALID', 'source etcd has neither location nor endpoints')
  return texts.map(parseEndpoint)
}

/** `host`, `host:port`, or either with a scheme in front. @throws KpipeError KPIPE_PIPELINE_INVALID */
export function parseEndpoint(text: string): Endpoint {
  const [, scheme = 'etcd', rest = ''] = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(.*)$/is.exec(text) ?? []
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
