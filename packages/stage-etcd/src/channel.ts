import { connect, type ClientHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import { KpipeError } from '@kpipe/engine/contracts'
import { certificateFacts, clientName, type CertificateFacts } from './certificate-facts.ts'
import { dial, reasonOf } from './dial.ts'
import { dialTls } from './dial-tls.ts'
import type { Endpoint } from './endpoint.ts'
import { lostCall, startCall, type GrpcCall, type Metadata } from './grpc-call.ts'
import { resetName } from './grpc-status.ts'
import { lookAtTls } from './look-at-tls.ts'
import { signIn, type Credentials } from './sign-in.ts'
import { readTlsFiles, type TlsSettings } from './tls-files.ts'
import { tlsFailure } from './tls-failure.ts'
import type { TlsPeer } from './tls-peer.ts'
import { whatAnswered } from './what-answered.ts'
import { withoutLeader } from './without-leader.ts'

/**
 * What a server may send ahead of the reader, and so what a slow reader keeps in memory, twice and a half over.
 * Half a MiB is as fast as 16 on one host; 4 MiB keep 400 MB/s over a round trip of 10 ms.
 */
const windowBytes = 4 << 20
const probeMs = 1000

/** A connection to one member, over which calls are made. */
export interface Channel {
  readonly endpoint: Endpoint
  /** Who calls, for messages: `user root`; undefined when that is nobody. */
  readonly user: string | undefined
  readonly certificates: CertificateFacts
  call(path: string, request: Uint8Array, metadata?: Metadata): GrpcCall
  /** Ends calls and connection at once; also when the signal aborts. */
  close(): Promise<void>
}

export interface ChannelOptions {
  readonly dialTimeoutMs: number
  readonly signal: AbortSignal
  readonly tls?: TlsSettings
  readonly credentials?: Credentials | undefined
  warn?(message: string): void
}

/**
 * The one place where channels are made, from endpoint, TLS and token. Resolves when the other end has answered in HTTP/2 and the
 * user, where there is one, has a token. The files of certificates are read each time.
 * No pings are sent: a connection that is cut shows itself as silence, which every reader bounds.
 * @throws KpipeError KPIPE_SOURCE_UNREACHABLE, KPIPE_SOURCE_PROTOCOL, KPIPE_SOURCE_REFUSED, KPIPE_PIPELINE_INVALID
 */
export async function openChannel(endpoint: Endpoint, options: ChannelOptions): Promise<Channel> {
  const { dialTimeoutMs, credentials, warn = () => {} } = options
  const channel = await connectChannel(endpoint, options)
  if (credentials === undefined) return channel
  try {
    return await signIn(channel, credentials, dialTimeoutMs, warn)
  } catch (error) {
    const leaderless = await withoutLeader(channel, credentials, error, dialTimeoutMs)
    if (leaderless !== undefined && channel.user !== undefined) {
      warn(`${leaderless.message}; ${channel.user} is used`)
      return channel
    }
    await channel.close()
    options.signal.throwIfAborted()
    throw leaderless ?? error
  }
}

async function connectChannel(endpoint: Endpoint, { dialTimeoutMs, signal, tls = {} }: ChannelOptions): Promise<Channel> {
  const dialed = performance.now()
  const leftMs = () => Math.max(1, Math.ceil(dialTimeoutMs - (performance.now() - dialed)))
  const peer: TlsPeer | undefined = endpoint.tls ? { endpoint, settings: tls, files: await readTlsFiles(tls) } : undefined
  const secured = peer && (await dialTls(peer, dialTimeoutMs, signal))
  const socket: Socket = secured ?? (await dial(endpoint, dialTimeoutMs, signal))
  const certificates = certificateFacts(peer?.files.client?.certificates.list[0], secured?.getPeerX509Certificate())
  const session = connect(`${endpoint.tls ? 'https' : 'http'}://${endpoint.socket === undefined ? endpoint.address : endpoint.host}`, {
    createConnection: () => socket,
    settings: { initialWindowSize: windowBytes, enablePush: false },
  })
  let failed: Error | undefined
  let lost: string | undefined
  const fail = (error: Error) => {
    failed ??= error
    lost ??= reasonOf(error)
  }
  session.on('error', fail)
  socket.on('error', (error) => {
    fail(error)
    // After an alert of TLS the session would wait for ever for what it has written, and the socket with it.
    socket.destroy()
  })
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
    socket.destroy()
    await promise
  }

  const answered = await settled(session, leftMs())
  if (answered !== 'settings') {
    await close()
    signal.throwIfAborted()
    if (answered === 'silence') throw wrongProtocol(endpoint, `the connection stands and nothing answers within ${dialTimeoutMs / 1000} s`)
    if (peer !== undefined) throw await tlsFailure(peer, failed ?? new Error('the connection was closed'), signal)
    const seen = await whatSpeaksThere(endpoint, signal)
    throw wrongProtocol(endpoint, seen ?? lost ?? 'no HTTP/2 answer')
  }
  session.setLocalWindowSize(windowBytes)
  return {
    endpoint,
    user: clientName(peer?.files.client?.certificates.list[0]),
    certificates,
    call(path, request, metadata = {}) {
      const whyLost = () => (session.destroyed || session.closed ? (lost ?? 'the connection was closed') : undefined)
      const seen = whyLost()
      return seen === undefined ? startCall(session, path, request, metadata, whyLost) : lostCall(seen)
    },
    close,
  }
}

/** Where plain HTTP/2 failed. A server with TLS closes the connection without a word. */
async function whatSpeaksThere(endpoint: Endpoint, signal: AbortSignal): Promise<string | undefined> {
  const look = await lookAtTls({ endpoint, settings: {}, files: { authorities: undefined, client: undefined } }, probeMs, signal)
  const seen = look.speaks ? 'this port wants TLS' : await whatAnswered(endpoint, probeMs, signal)
  signal.throwIfAborted()
  return seen
}

function wrongProtocol({ address }: Endpoint, seen: string): KpipeError {
  return new KpipeError('KPIPE_SOURCE_PROTOCOL', `etcd at ${address}: ${seen}`, { endpoint: address })
}

async function settled(session: ClientHttp2Session, withinMs: number): Promise<'settings' | 'closed' | 'silence'> {
  const { promise, resolve } = Promise.withResolvers<'settings' | 'closed' | 'silence'>()
  const timer = setTimeout(() => resolve('silence'), withinMs)
  session.once('remoteSettings', () => resolve('settings'))
  session.once('close', () => resolve('closed'))
  return promise.finally(() => clearTimeout(timer))
}
