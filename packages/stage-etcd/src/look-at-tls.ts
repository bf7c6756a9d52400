import type { X509Certificate } from 'node:crypto'
import { dial } from './dial.ts'
import { optionsOf, type TlsPeer } from './tls-peer.ts'

/** What an endpoint shows when TLS is tried without checking anything. */
export interface TlsLook {
  /** Whether anything there speaks TLS. */
  readonly speaks: boolean
  /** The server's certificates, its own first; empty when the handshake did not come that far. */
  readonly chain: readonly X509Certificate[]
  /** Number of the alert that it ended with. */
  readonly alert: number | undefined
}

const maxChain = 10

/**
 * Calls an endpoint once more, where TLS failed, to tell why: the error alone holds neither the certificate nor its dates, and a refused
 * client certificate may look like a reset. Sends nothing, and so loses no alert. Never throws.
 */
export async function lookAtTls(peer: TlsPeer, withinMs: number, signal: AbortSignal): Promise<TlsLook> {
  let speaks = false
  let chain: X509Certificate[] = []
  let alert: number | undefined
  try {
    const socket = await dial(peer.endpoint, withinMs, signal, { ...optionsOf(peer), rejectUnauthorized: false })
    const { promise, resolve } = Promise.withResolvers<void>()
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(withinMs)])
    deadline.addEventListener('abort', () => resolve())
    socket.once('secureConnect', () => {
      speaks = true
      chain = chainOf(socket.getPeerX509Certificate())
    })
    socket.on('error', (error) => {
      alert ??= alertOf(error)
      speaks ||= alert !== undefined
    })
    socket.once('data', () => resolve())
    socket.once('close', () => resolve())
    await promise
    socket.destroy()
  } catch {
    // Not even a connection: what is known by now is all there is.
  }
  return { speaks, chain, alert }
}

/** Number of the TLS alert that an error tells of. Source of the numbers: RFC 8446, section 6. */
export function alertOf(error: unknown): number | undefined {
  const number = /SSL alert number (\d+)/.exec((error as Error | undefined)?.message ?? '')?.[1]
  return number === undefined ? undefined : Number(number)
}

function chainOf(leaf: X509Certificate | undefined): X509Certificate[] {
  const chain: X509Certificate[] = []
  // A certificate that signed itself is its own issuer.
  for (let next = leaf; next !== undefined && chain.length < maxChain; next = next.issuerCertificate) {
    if (chain.some((seen) => seen.fingerprint256 === next!.fingerprint256)) break
    chain.push(next)
  }
  return chain
}
