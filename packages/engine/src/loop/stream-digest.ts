import { createHash } from 'node:crypto'

/** SHA-256 of a stream as it passes, made once and shared by the source, the repository and the report. */
export interface StreamDigest {
  update(bytes: Uint8Array): void
  /** Digest (32 bytes) of all bytes so far. */
  soFar(): Promise<Uint8Array>
  /** Seconds spent in hashing. */
  readonly seconds: number
}

export function streamDigest(): StreamDigest {
  const hash = createHash('sha256')
  let seconds = 0
  return {
    update(bytes) {
      const began = performance.now()
      hash.update(bytes)
      seconds += (performance.now() - began) / 1000
    },
    soFar: async () => new Uint8Array(hash.copy().digest()),
    get seconds() {
      return seconds
    },
  }
}
