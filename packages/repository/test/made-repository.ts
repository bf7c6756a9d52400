import { createCipheriv, createHash } from 'node:crypto'
import type { Store } from '@kpipe/engine/contracts'
import { memoryStore } from '@kpipe/engine/testing'
import type { MemoryStore } from '@kpipe/engine/testing'
import { initRepository, newRecoveryPhrase, openRepository } from '../src/index.ts'
import type { OpenOptions, Repository, Secret } from '../src/index.ts'

export const keyFile: Secret = { kind: 'key-file', key: Buffer.alloc(32, 7), file: 'test.key' }

export async function madeRepository<Kind extends Store = MemoryStore>(
  store?: Kind,
): Promise<{ store: Kind; repository: Repository; phrase: string }> {
  const used = store ?? (memoryStore() as unknown as Kind)
  const phrase = newRecoveryPhrase()
  await initRepository({ store: used, keyFile, recoveryPhrase: phrase, tagAlgorithm: 'sha256' })
  return { store: used, repository: await reopened(used), phrase }
}

export function reopened(store: Store, options: Partial<OpenOptions> = {}): Promise<Repository> {
  return openRepository({ store, secret: keyFile, warn: () => undefined, ...options })
}

/** Bytes that follow from the seed alone and do not compress. */
export function noise(bytes: number, seed: string): Buffer {
  const key = createHash('sha256').update(seed).digest().subarray(0, 16)
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(bytes))
}

/** A small generator of numbers in [0, 1): mulberry32. */
export function dice(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export async function codeOf(work: () => unknown): Promise<string> {
  try {
    await work()
    return 'none'
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
}
