import { KpipeError } from '@kpipe/engine/contracts'
import { isAuthOff, isTokenRefused } from './auth-refusal.ts'
import { callFailure, failDecoding } from './call-failure.ts'
import type { Channel } from './channel.ts'
import { decodeAuthenticate, encodeAuthenticateRequest, methods } from './etcd-messages.ts'
import type { GrpcCall } from './grpc-call.ts'

export interface Credentials {
  readonly username: string
  readonly password: string
}

/** The user of the settings, where there is one. @throws KpipeError KPIPE_PIPELINE_INVALID when half of it is missing */
export function credentialsOf({ username, password }: Partial<Credentials>): Credentials | undefined {
  // Not in the schema: a variable that is missing leaves an empty text, and one sentence about it is enough.
  if (password === '') throw new KpipeError('KPIPE_PIPELINE_INVALID', 'source etcd has an empty password')
  if (username !== undefined && password !== undefined) return { username, password }
  if (username === undefined && password === undefined) return undefined
  const [there, missing] = username === undefined ? ['password', 'username'] : ['username', 'password']
  throw new KpipeError('KPIPE_PIPELINE_INVALID', `source etcd has the setting ${there} without ${missing}`)
}

/**
 * A channel whose calls carry a user's token. A call whose token is refused asks for a new one and is made again, once. Where
 * authentication is off, that is told and the channel is left as it is.
 * @throws KpipeError KPIPE_SOURCE_*
 */
export async function signIn(
  channel: Channel,
  { username, password }: Credentials,
  withinMs: number,
  warn: (message: string) => void,
): Promise<Channel> {
  const signed = { ...channel, user: `user ${username}` }
  const { address } = channel.endpoint

  /** Undefined when there is no authentication. */
  async function authenticate(): Promise<string | undefined> {
    const call = channel.call(methods.authenticate, encodeAuthenticateRequest(username, password))
    try {
      const answer = await call.next(withinMs)
      if (answer.kind === 'message') return decodeAuthenticate(answer.message, failDecoding(address, methods.authenticate))
      if (answer.kind === 'status' && isAuthOff(answer.status)) return undefined
      throw callFailure(signed, methods.authenticate, answer)
    } finally {
      call.cancel()
    }
  }

  let token = await authenticate()
  if (token === undefined) {
    warn(`etcd at ${address} has no authentication: user ${username} is not used`)
    return channel
  }
  const start = (path: string, request: Uint8Array) => channel.call(path, request, token === undefined ? {} : { token })
  return {
    ...signed,
    call(path, request) {
      let call: GrpcCall = start(path, request)
      let isFirst = true
      return {
        async next(callWithinMs) {
          const arrival = await call.next(callWithinMs)
          if (!isFirst || arrival.kind === 'silent') return arrival
          isFirst = false
          if (arrival.kind !== 'status' || !isTokenRefused(arrival.status)) return arrival
          token = await authenticate()
          call = start(path, request)
          return call.next(callWithinMs)
        },
        cancel: () => call.cancel(),
      }
    },
  }
}
