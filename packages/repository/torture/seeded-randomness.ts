import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'

// Ids, salts and keys of a repository are random, so no two runs would have the same bytes. Within a case they follow from its seed.

const real = { randomBytes: crypto.randomBytes, now: Date.now }

/** From here on `randomBytes` of this process gives bytes that follow from the seed, and its clock goes on a second a look. */
export function seedRandomness(seed: string): void {
  const key = crypto.createHash('sha256').update(seed).digest().subarray(0, 16)
  const stream = crypto.createCipheriv('aes-128-ctr', key, Buffer.alloc(16))
  let now = Date.UTC(2026, 0, 1)
  Date.now = () => (now += 1000)
  setRandomBytes(((size: number) => stream.update(Buffer.alloc(size))) as typeof crypto.randomBytes)
}

export function restoreRandomness(): void {
  Date.now = real.now
  setRandomBytes(real.randomBytes)
}

function setRandomBytes(randomBytes: typeof crypto.randomBytes): void {
  crypto.randomBytes = randomBytes
  syncBuiltinESMExports()
}
