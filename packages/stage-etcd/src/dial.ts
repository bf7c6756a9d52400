import { connect, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { KpipeError } from '@kpipe/engine/contracts'
import { connected } from './connected.ts'
import type { Endpoint } from './endpoint.ts'

/**
 * A connected socket; with options of TLS, one whose handshake has just begun. The one place that knows how an endpoint is reached;
 * proxy variables play no part.
 * @throws KpipeError KPIPE_SOURCE_UNREACHABLE, or the signal's reason
 */
export function dial(endpoint: Endpoint, withinMs: number, signal: AbortSignal): Promise<Socket>
export function dial(endpoint: Endpoint, withinMs: number, signal: AbortSignal, tls: ConnectionOptions): Promise<TLSSocket>
export async function dial(endpoint: Endpoint, withinMs: number, signal: AbortSignal, tls?: ConnectionOptions): Promise<Socket> {
  signal.throwIfAborted()
  const { host, port, socket: path } = endpoint
  const to = path === undefined ? { host, port, noDelay: true } : { path }
  try {
    // Not TLS over a socket that stands: such a pair is not always closed when an alert ends it.
    return await connected(tls === undefined ? connect(to) : connectTls({ ...tls, ...to }), 'connect', withinMs, signal)
  } catch (cause) {
    signal.throwIfAborted()
    const seen = `etcd at ${endpoint.address}: ${reasonOf(cause)}`
    throw new KpipeError('KPIPE_SOURCE_UNREACHABLE', seen, { endpoint: endpoint.address }, { cause })
  }
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOENT: 'there is no such socket',
  EACCES: 'permission denied',
  ENOTFOUND: 'no such host name',
  EAI_AGAIN: 'the host name could not be looked up',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  ETIMEDOUT: 'the connection timed out',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was closed',
}

/** What a socket error says, in words; a name with several addresses gives several errors in one. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  if (error instanceof AggregateError) return [...new Set(error.errors.map(reasonOf))].join('; ')
  return (code !== undefined && reasons[code]) || message
}
