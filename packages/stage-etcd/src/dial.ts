import { connect, type Socket } from 'node:net'
import { KpipeError } from '@kpipe/engine/contracts'
import type { Endpoint } from './endpoint.ts'

/**
 * A connected socket. The one place that knows how an endpoint is reached; proxy variables play no part.
 * @throws KpipeError KPIPE_SOURCE_UNREACHABLE, KPIPE_SOURCE_REFUSED for TLS, or the signal's reason
 */
export async function dial(endpoint: Endpoint, withinMs: number, signal: AbortSignal): Promise<Socket> {
  if (endpoint.tls) {
    throw new KpipeError('KPIPE_SOURCE_REFUSED', `etcd at ${endpoint.address}: TLS is not supported by this version`, {
      endpoint: endpoint.address,
    })
  }
  signal.throwIfAborted()
  const socket = connect({ host: endpoint.host, port: endpoint.port, noDelay: true })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const aborted = () => reject(signal.reason)
  const timer = setTimeout(() => reject(new Error(`no connection within ${withinMs / 1000} s`)), withinMs)
  signal.addEventListener('abort', aborted)
  socket.once('connect', resolve)
  socket.once('error', reject)
  try {
    await promise
    return socket
  } catch (cause) {
    // Errors after this one have nobody to tell.
    socket.on('error', () => {})
    socket.destroy()
    signal.throwIfAborted()
    throw new KpipeError(
      'KPIPE_SOURCE_UNREACHABLE',
      `etcd at ${endpoint.address}: ${reasonOf(cause)}`,
      { endpoint: endpoint.address },
      { cause },
    )
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', aborted)
    socket.off('error', reject)
  }
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
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
