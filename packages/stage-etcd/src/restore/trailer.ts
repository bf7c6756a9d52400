import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { withoutTrailer } from '@kpipe/bolt'
import { KpipeError } from '@kpipe/engine/contracts'

const pieceBytes = 1 << 20

/**
 * etcd's own rule: a snapshot ends with its SHA-256 when its length is 32 beyond a multiple of 512.
 * @throws KpipeError KPIPE_USAGE when it does not
 */
export function demandTrailer(bytes: number): void {
  if (withoutTrailer(bytes) !== bytes) return
  throw new KpipeError('KPIPE_USAGE', `the snapshot of ${bytes} bytes does not end with its SHA-256`, { missing: 'trailer', bytes })
}

/** @throws KpipeError KPIPE_TRAILER_MISMATCH */
export async function verifyTrailer(handle: FileHandle, bytes: number): Promise<void> {
  const content = withoutTrailer(bytes)
  const hash = createHash('sha256')
  const piece = new Uint8Array(pieceBytes)
  for (let at = 0; at < content;) {
    const { bytesRead } = await handle.read(piece, 0, Math.min(pieceBytes, content - at), at)
    if (bytesRead === 0) break
    hash.update(piece.subarray(0, bytesRead))
    at += bytesRead
  }
  const trailer = new Uint8Array(bytes - content)
  await handle.read(trailer, 0, trailer.length, content)
  if (hash.digest().equals(trailer)) return
  throw new KpipeError('KPIPE_TRAILER_MISMATCH', `the snapshot ends with a SHA-256 that does not match the ${content} bytes before it`, {
    bytes,
  })
}
