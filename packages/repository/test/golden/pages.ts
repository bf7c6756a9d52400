import { createHash } from 'node:crypto'

/** A page of text that follows from its seed alone; it shrinks to about half. */
export function page(bytes: number, seed: string): Buffer {
  const half = createHash('shake256', { outputLength: Math.ceil(bytes / 4) })
    .update(seed)
    .digest('hex')
  return Buffer.from(half.padEnd(bytes, '.').slice(0, bytes))
}

export function pages(bytes: number, seeds: readonly string[]): Buffer {
  return Buffer.concat(seeds.map((seed) => page(bytes, seed)))
}

/** Seeds `0` to `count - 1`, where those that `changed` names are of another generation. */
export function seeds(count: number, changed: Readonly<Record<number, string>> = {}): string[] {
  return Array.from({ length: count }, (_, index) => changed[index] ?? String(index))
}
