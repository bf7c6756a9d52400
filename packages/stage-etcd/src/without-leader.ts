import { KpipeError } from '@kpipe/engine/contracts'
import type { Channel } from './channel.ts'
import { methods } from './etcd-messages.ts'
import type { Credentials } from './sign-in.ts'

/**
 * Whether it was for the lack of a leader that a user got no token: tokens are given out through the log of the cluster. A member says
 * so to who asks for a leader, whether authentication is on or not; the password alone is left unanswered until it times out.
 * @returns what to tell, or undefined when it was for something else
 */
export async function withoutLeader(
  channel: Channel,
  { username }: Credentials,
  cause: unknown,
  withinMs: number,
): Promise<KpipeError | undefined> {
  if (!(cause instanceof KpipeError) || !/^KPIPE_SOURCE_(UNREACHABLE|STALLED)$/.test(cause.code)) return undefined
  // Asked with a key of metadata that etcd's own interceptor of all calls looks at first.
  const call = channel.call(methods.status, new Uint8Array(), { hasleader: 'true' })
  try {
    const answer = await call.next(withinMs)
    if (answer.kind !== 'status' || !/no leader/.test(answer.status.text)) return undefined
    const { address } = channel.endpoint
    const seen = `etcd at ${address}: user ${username} gets no token, which takes a majority of the members, and the member has no leader`
    return new KpipeError('KPIPE_SOURCE_REFUSED', seen, { endpoint: address, quorum: 'lost' }, { cause })
  } finally {
    call.cancel()
  }
}
