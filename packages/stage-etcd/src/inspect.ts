import { BoltError, findPageBytes, lookSegment, statusCollector } from '@kpipe/bolt'
import type { Status } from '@kpipe/bolt'
import { KpipeError } from '@kpipe/engine/contracts'
import type { Fact, Facts, InspectStage } from '@kpipe/engine/contracts'

export type EtcdInspectPlan = {
  readonly pageBytes: number
  /** Of the hashes that user keys are told apart by: secret, for who knows it could choose keys whose hashes collide, and make the counts wrong. */
  readonly seed: number
  /** Whether each chunk of the stream is a page, so that an earlier look can be used. */
  readonly chunksArePages: boolean
}

/** Reads revision, key count and status hash of an etcd database out of its passing bytes, whatever the segments' lengths. */
export const inspect: InspectStage<EtcdInspectPlan> = {
  kind: 'inspect',
  summary: 'revision, keys and status hash of an etcd database, from its own bytes',
  settings: { type: 'object', properties: {}, additionalProperties: false },

  plan(head, chunking, secret) {
    const pageBytes = pageBytesOf(head)
    if (pageBytes === undefined) return undefined
    const seed = new DataView(secret.buffer, secret.byteOffset, secret.length).getUint32(0, true)
    return { pageBytes, seed, chunksArePages: chunking.pageBytes === pageBytes }
  },

  look: (bytes, position, plan, earlier) => lookSegment(bytes, position, plan, plan.chunksArePages ? earlier : undefined),

  collect(plan) {
    const collector = statusCollector(plan)
    return {
      take: (look, bytes, position) => collector.take(look, bytes, position),
      async conclude() {
        try {
          return factsOf(collector.conclude())
        } catch (error) {
          if (!(error instanceof BoltError)) throw error
          const { code, page, message } = error
          throw new KpipeError('KPIPE_BOLT_INVALID', `the database contradicts itself: ${message}`, { fault: code, page }, { cause: error })
        }
      },
    }
  },
}

/** A database of the other byte order is stored like any other stream, without facts. */
function pageBytesOf(head: Uint8Array): number | undefined {
  try {
    return findPageBytes(head)
  } catch (error) {
    if (error instanceof BoltError) return undefined
    throw error
  }
}

function factsOf(status: Status): Facts {
  return {
    revision: status.revision,
    keys: status.keys,
    items: status.items,
    status_hash: status.hash,
    total_size: status.totalSize,
    storage_version: status.storageVersion,
    cluster_version: status.clusterVersion,
    consistent_index: status.consistentIndex,
    term: status.term ?? null,
    page_bytes: status.pageBytes,
    compact_revision: status.compactRevision,
    hash_kv: hashFact(status),
  }
}

/** In the words of etcd's HashKV. */
function hashFact({ hashKv }: Status): Fact {
  if (hashKv === undefined) return null
  const { hash, revision, compactRevision, hashBefore } = hashKv
  const earlier = hashBefore === undefined ? {} : { hash_before_3_5_16: hashBefore }
  return { hash, hash_revision: revision, compact_revision: compactRevision, ...earlier }
}
