import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'

/**
 * Waits until a socket has emitted `event`. Afterwards the socket is the caller's, and still there.
 * @throws the socket's error, an Error that tells the time, or the signal's reason; the socket is destroyed then
 */
export async function connected<Kind extends Socket | TLSSocket>(
  socket: Kind,
  event: 'connect' | 'secureConnect',
  withinMs: number,
  signal: AbortSignal,
): Promise<Kind> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const aborted = () => reject(signal.reason)
  const timer = setTimeout(
    () => reject(new Error(`no ${event === 'connect' ? 'connection' : 'TLS handshake'} within ${withinMs / 1000} s`)),
    withinMs,
  )
  let failed: Error | undefined
  // Stays: errors after a failure have nobody to tell, and later ones are heard by others as well.
  socket.on('error', (error) => {
    failed ??= error
    reject(error)
  })
  signal.addEventListener('abort', aborted)
  socket.once(event, () => resolve())
  socket.once('close', () => reject(new Error('the connection was closed')))
  try {
    signal.throwIfAborted()
    await promise
    // A refusal may come with the same bytes that complete a handshake.
    if (failed !== undefined) throw failed
    return socket
  } catch (cause) {
    socket.destroy()
    signal.throwIfAborted()
    throw cause
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', aborted)
  }
}
