import type { StreamDigest } from './stream-digest.ts'

/** How much of a stream a chunker and an inspector see before they decide. */
export const headBytes = 64 * 1024

export interface Head {
  /** The stream's first 64 KiB, or all of it. */
  readonly bytes: Uint8Array
  /** The pieces that were read for it, one a call and in order; undefined when there are no more. */
  rest(): Uint8Array | undefined
}

/** Reads the first pieces of a stream, hashes and keeps them. */
export async function readHead(pieces: AsyncIterator<Uint8Array>, digest: StreamDigest): Promise<Head> {
  const kept: Uint8Array[] = []
  let total = 0
  while (total < headBytes) {
    const next = await pieces.next()
    if (next.done) break
    digest.update(next.value)
    // A source may use its buffer again as soon as it is asked for more.
    if (next.value.length > 0) kept.push(new Uint8Array(next.value))
    total += next.value.length
  }
  const bytes = Buffer.concat(kept, Math.min(total, headBytes))
  return { bytes: new Uint8Array(bytes), rest: () => kept.shift() }
}
