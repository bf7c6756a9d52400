import { zstdCompressSync } from 'node:zlib'

export const pageBytes = 4096

/** The pages of `next` that `previous` does not have at the same place, one after the other. */
export function changedPages(previous: Buffer, next: Buffer): Buffer {
  const changed: Buffer[] = []
  for (let at = 0; at < next.length; at += pageBytes) {
    const page = next.subarray(at, at + pageBytes)
    if (!page.equals(previous.subarray(at, at + page.length))) changed.push(page)
  }
  return Buffer.concat(changed)
}

/** Share of the pieces of this length in `next` of which `previous` has not the same at the same place. */
export function changedShare(previous: Buffer, next: Buffer, pieceBytes: number): number {
  const starts = Array.from({ length: Math.ceil(next.length / pieceBytes) }, (_, index) => index * pieceBytes)
  const changed = starts.filter((at) => !next.subarray(at, at + pieceBytes).equals(previous.subarray(at, at + pieceBytes)))
  return changed.length / starts.length
}

/** What zstd at level 3 makes of the bytes, 4 MiB at a time. */
export function zstdBytes(bytes: Buffer): number {
  const frameBytes = 4 * 2 ** 20
  let total = 0
  for (let at = 0; at < bytes.length; at += frameBytes) total += zstdCompressSync(bytes.subarray(at, at + frameBytes)).length
  return total
}
