import { spawnSync } from 'node:child_process'
import { codec } from '../paged-backup.ts'
import type { PruneOptions, Recode, Repository } from '../../src/index.ts'
import { createHash } from 'node:crypto'
import { tagOf } from '../paged-backup.ts'

/** A codec that changes nothing, as `paged-backup.ts` writes it. */
export function identityRecode(repository: Repository): Recode {
  return {
    async decode({ bytes, ends }, slots, tags) {
      const chunks = Array.from(slots, (slot) => bytes.slice(slot === 0 ? 0 : ends[slot - 1], ends[slot]))
      chunks.forEach((chunk, index) => {
        if (!tagOf(repository.tagKey, chunk).equals(tags.subarray(index * 16, index * 16 + 16))) throw new Error('another tag')
      })
      return Buffer.concat(chunks)
    },
    async encode({ bytes, codecs }) {
      if (codecs.length !== 1 || codecs[0].stage !== codec.stage) throw new Error('other codecs')
      const digest = createHash('sha256').update(bytes).digest().subarray(0, 16)
      return { bytes, digest, lengths: [bytes.length, bytes.length] }
    },
  }
}

/** All at once, whatever it is worth. */
export function prunedNow(repository: Repository, options: PruneOptions = {}): ReturnType<Repository['prune']> {
  return repository.prune({ apply: true, sweepDelayMs: 0, maxUnused: { bytes: 0 }, recode: identityRecode(repository), ...options })
}

/** Runs `work` as a process of that number would. */
export async function asProcess<Result>(pid: number, work: () => Promise<Result>): Promise<Result> {
  const own = Object.getOwnPropertyDescriptor(process, 'pid')!
  Object.defineProperty(process, 'pid', { ...own, value: pid })
  try {
    return await work()
  } finally {
    Object.defineProperty(process, 'pid', own)
  }
}

/** The number of a process that is gone. */
export function deadPid(): number {
  return spawnSync('true').pid
}
