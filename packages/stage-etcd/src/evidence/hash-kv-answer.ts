import { KpipeError } from '@kpipe/engine/contracts'
import type { Channel } from '../channel.ts'
import { decodeHashKv, encodeHashKvRequest, methods } from '../etcd-messages.ts'
import { ask } from '../unary.ts'

/** What a member says when it is asked for HashKV of a revision. */
export type HashKvAnswer =
  | {
      readonly hash: number
      /** 0 before 3.6, which do not tell it. */
      readonly hashRevision: number
      /** -1 when never compacted. */
      readonly compactRevision: number
    }
  | {
      readonly error: string
      /** Of those that may be over in a moment: it has not applied that revision yet, or the connection is gone. */
      readonly passing?: 'behind' | 'lost'
    }

/** Never rejects. */
export async function askHashKv(channel: Channel, revision: number, withinMs: number): Promise<HashKvAnswer> {
  try {
    const { hash, hashRevision, compactRevision } = await ask(
      channel,
      methods.hashKv,
      encodeHashKvRequest(revision),
      decodeHashKv,
      withinMs,
    )
    // Nothing is ever compacted at 0, which proto3 leaves out.
    return { hash, hashRevision, compactRevision: compactRevision > 0 ? compactRevision : -1 }
  } catch (error) {
    return whyNot(error, revision)
  }
}

/** The same words in all versions; the codes differ. */
function whyNot(error: unknown, revision: number): HashKvAnswer {
  if (!(error instanceof KpipeError)) return { error: String(error) }
  const { code, message } = error
  if (/not supported for learner/.test(message)) return { error: learnerError }
  if (/revision is a future revision/.test(message)) return { error: `it has not applied revision ${revision} yet`, passing: 'behind' }
  if (/revision has been compacted/.test(message)) return { error: `it has compacted revision ${revision}` }
  return { error: message, ...(code === 'KPIPE_SOURCE_UNREACHABLE' && { passing: 'lost' }) }
}

export const learnerError = 'a learner does not answer HashKV'
