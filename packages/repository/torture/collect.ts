import { createHash } from 'node:crypto'
import type { PruneReport, Recode, Repository } from '../src/index.ts'
import { tagOf } from '../test/paged-backup.ts'

/** A collection that lets nothing lie: whatever is of no use is written anew and swept at once. */
export function collectAll(repository: Repository, endOthers = false): Promise<PruneReport> {
  const ended = endOthers ? { openTtlMs: 0 } : {}
  return repository.prune({ apply: true, sweepDelayMs: 0, maxUnused: { bytes: 0 }, recode: identityRecode(repository), ...ended })
}

/** The codec of the suites changes nothing. */
function identityRecode({ tagKey }: Repository): Recode {
  return {
    async decode({ bytes, ends }, slots, tags) {
      const chunks = Array.from(slots, (slot) => bytes.slice(slot === 0 ? 0 : ends[slot - 1], ends[slot]))
      chunks.forEach((chunk, index) => {
        if (!tagOf(tagKey, chunk).equals(tags.subarray(index * 16, index * 16 + 16))) throw new Error('a collection meets another tag')
      })
      return Buffer.concat(chunks)
    },
    async encode({ bytes }) {
      const digest = createHash('sha256').update(bytes).digest().subarray(0, 16)
      return { bytes, digest, lengths: [bytes.length, bytes.length] }
    },
  }
}
