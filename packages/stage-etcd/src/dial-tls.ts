import type { TLSSocket } from 'node:tls'
import { connected } from './connected.ts'
import { dial } from './dial.ts'
import { tlsFailure } from './tls-failure.ts'
import { optionsOf, type TlsPeer } from './tls-peer.ts'

/**
 * A connected socket with TLS, the server's certificate checked and HTTP/2 agreed on.
 * @throws KpipeError KPIPE_SOURCE_REFUSED, KPIPE_SOURCE_PROTOCOL, KPIPE_SOURCE_UNREACHABLE, or the signal's reason
 */
export async function dialTls(peer: TlsPeer, withinMs: number, signal: AbortSignal): Promise<TLSSocket> {
  const began = performance.now()
  const rejectUnauthorized = peer.settings.insecureSkipTlsVerify !== true
  // Said outright, for a variable of Node's could switch the checking off.
  const socket = await dial(peer.endpoint, withinMs, signal, { ...optionsOf(peer), rejectUnauthorized })
  try {
    await connected(socket, 'secureConnect', Math.max(1, Math.ceil(withinMs - (performance.now() - began))), signal)
  } catch (cause) {
    signal.throwIfAborted()
    throw await tlsFailure(peer, cause, signal)
  }
  if (socket.alpnProtocol === 'h2') return socket
  socket.destroy()
  throw await tlsFailure(peer, 'no HTTP/2', signal)
}
