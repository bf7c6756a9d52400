import { createHash } from 'node:crypto'

/** Bytes that no codec makes shorter; the same seed always gives the same. */
export function noise(seed: string, bytes: number): Buffer {
  return createHash('shake256', { outputLength: bytes }).update(seed).digest()
}

export function hex(seed: string, digits: number): string {
  return noise(seed, Math.ceil(digits / 2))
    .toString('hex')
    .slice(0, digits)
}

export function uid(seed: string): string {
  return hex(seed, 32).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
