import { KpipeError } from '@kpipe/engine/contracts'

/** SHA-256 of all bytes before it, which `etcdctl snapshot save` puts at the end of a file. */
export const trailerBytes = 32

/** Bytes that `isBoltHead` needs. */
export const boltHeadBytes = 20

/** etcd's own rule: pages are multiples of 512 bytes, so a length of 32 beyond one means a trailer. */
export function mayHaveTrailer(bytes: number): boolean {
  return bytes > trailerBytes && bytes % 512 === trailerBytes
}

/** The magic number of bbolt's first meta page. */
export function isBoltHead(head: Buffer): boolean {
  return head.length >= boltHeadBytes && head.readUInt32LE(16) === 0xed0cdaed
}

/** @throws KpipeError KPIPE_TRAILER_MISMATCH */
export function verifyTrailer(trailer: Uint8Array, digest: Uint8Array, from: string, bytes: number): void {
  if (Buffer.compare(trailer, digest) === 0) return
  throw new KpipeError('KPIPE_TRAILER_MISMATCH', `${from} ends with a SHA-256 that does not match the ${bytes} bytes before it`, {
    from,
    bytes,
  })
}
