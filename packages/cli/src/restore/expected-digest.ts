import { string } from '@oclif/core/flags'
import { KpipeError } from '@kpipe/engine/contracts'
import type { Snapshot } from '@kpipe/repository'

export const expectDigestFlag = string({
  helpValue: 'SHA256',
  description: 'refuse a snapshot of another digest: 64 hex digits, as plans have it',
})

/** SHA-256 of a snapshot's stream, as 64 hex digits. */
export function digestOf(snapshot: Pick<Snapshot, 'manifest'>): string {
  return Buffer.from(snapshot.manifest.streams[0].digest).toString('hex')
}

/**
 * Of a snapshot, before any of it is read; that its bytes have this digest is checked by every restore.
 * @throws KpipeError KPIPE_DIGEST_MISMATCH; KPIPE_USAGE when it is no SHA-256
 */
export function demandDigest(snapshot: Pick<Snapshot, 'manifest' | 'shortId' | 'name'>, expected: string | undefined): void {
  if (expected === undefined) return
  if (!/^[0-9a-f]{64}$/i.test(expected)) throw new KpipeError('KPIPE_USAGE', `${expected} is no SHA-256 of 64 hex digits`)
  const digest = digestOf(snapshot)
  if (digest === expected.toLowerCase()) return
  throw new KpipeError(
    'KPIPE_DIGEST_MISMATCH',
    `snapshot ${snapshot.shortId} of ${snapshot.name} has the digest ${digest}, and ${expected.toLowerCase()} was expected`,
    { expected, digest },
  )
}
