import { connect, type ClientHttp2Session } from 'node:http2'
import { KpipeError } from '@kpipe/engine/contracts'
import { dial, reasonOf } from './dial.ts'
import type { Endpoint } from './endpoint.ts'
import { lostCall, startCall, type GrpcCall } from './grpc-call.ts'
import { resetName } from './grpc-status.ts'
import { whatAnswered } from './what-answered.ts'

/**
 * What a server may send ahead of the reader, and so what a slow reader keeps in memory, twice and a half over.
 * Half a MiB is as fast as 16 on one host; 4 MiB keep 400 MB/s over a round trip of 10 ms.
 */
const windowBytes = 4 << 20
const probeMs = 1000

/** A connection to one member, over which calls are made. */
export interface Channel {
  readonly endpoint: Endpoint
  call(path: string, request: Uint8Array): GrpcCall
  /** Ends calls and connection at once; also when the signal aborts. */
  close(): Promise<void>
}

/**
 * The one place where channels are made. Resolves when the other end has answered in HTTP/2.
 * No pings are sent: a connection that is cut shows itself as silence, which every reader bounds.
 * @throws KpipeError KPIPE_SOURCE_UNREACHABLE, KPIPE_SOURCE_PROTOCOL, KPIPE_SOURCE_REFUSED
 */
export async function openChannel(endpoint: Endpoint, dialTimeoutMs: number, signal: AbortSignal): Promise<Channel> {
  const dialed = performance.now()
  const socket = await dial(endpoint, dialTimeoutMs, signal)
  const session = connect(`http://${endpoint.address}`, {
    createConnection: () => socket,
    settings: { initialWindowSize: windowBytes, enablePush: false },
  })
  let lost: string | undefined
  session.on('error', (error) => (lost ??= reasonOf(error)))
  session.on('goaway', (code, _stream, debug) => {
    const text = debug === undefined ? '' : ` ${JSON.stringify(Buffer.from(debug).toString('latin1').slice(0, 60))}`
    if (code !== 0) lost ??= `the server sent GOAWAY ${resetName(code)}${text}`
  })
  const abort = () => session.destroy()
  signal.addEventListener('abort', abort)
  session.once('close', () => signal.removeEventListener('abort', abort))

  async function close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    if (socket.closed) resolve()
    else socket.once('close', () => resolve())
    session.destroy()
    await promise
  }

  const answered = await settled(session, dialTimeoutMs - (performance.now() - dialed))
  if (answered !== 'settings') {
    await close()
    signal.throwIfAborted()
    const seen = (answered === 'closed' && (await whatAnswered(endpoint, probeMs, signal))) || lost || 'no HTTP/2 answer'
    signal.throwIfAborted()
    const message = answered === 'silence' ? `the connection stands and nothing answers within ${dialTimeoutMs / 1000} s` : seen
    throw new KpipeError('KPIPE_SOURCE_PROTOCOL', `etcd at ${endpoint.address}: ${message}`, { endpoint: endpoint.address })
  }
  session.setLocalWindowSize(windowBytes)
  return {
    endpoint,
    call(path, request) {
      const whyLost = () => (session.destroyed || session.closed ? (lost ?? 'the connection was closed') : undefined)
      const seen = whyLost()
      return seen === undefined ? startCall(session, path, request, whyLost) : lostCall(seen)
    },
    close,
  }
}

async function settled(session: ClientHttp2Session, withinMs: number): Promise<'settings' | 'closed' | 'silence'> {
  const { promise, resolve } = Promise.withResolvers<'settings' | 'closed' | 'silence'>()
  const timer = setTimeout(() => resolve('silence'), Math.max(1, withinMs))
  session.once('remoteSettings', () => resolve('settings'))
  session.once('close', () => resolve('closed'))
  return promise.finally(() => clearTimeout(timer))
}
