import { KpipeError, type KpipeErrorCode } from '@kpipe/engine/contracts'
import { authRefusal } from './auth-refusal.ts'
import type { Channel } from './channel.ts'
import type { Arrival } from './grpc-call.ts'
import { statusNames, type GrpcStatus } from './grpc-status.ts'
import type { Fail } from './protobuf.ts'

/** What is missing when a call gives anything but its message. */
export function callFailure(channel: Channel, path: string, arrival: Exclude<Arrival, { kind: 'message' }>): KpipeError {
  const { address } = channel.endpoint
  const method = path.slice(path.lastIndexOf('/') + 1)
  const failure = (code: KpipeErrorCode, seen: string) =>
    new KpipeError(code, `etcd at ${address}: ${seen}`, { endpoint: address, call: path })
  switch (arrival.kind) {
    case 'status':
      if (arrival.status.code === 0) return failure('KPIPE_SOURCE_PROTOCOL', `${method} ended without an answer`)
      if (isLearnerRefusal(arrival.status)) {
        const seen = `it is a learner, and one of its version does not answer ${method}`
        return failure('KPIPE_SOURCE_REFUSED', `${seen}: ${describeStatus(arrival.status)}`)
      }
      return failure(
        codeOf(arrival.status),
        `${authRefusal(arrival.status, method, channel.user) ?? `${method} was refused`}: ${describeStatus(arrival.status)}`,
      )
    case 'not-grpc':
      return failure('KPIPE_SOURCE_PROTOCOL', `the answer to ${method} is not gRPC: ${arrival.seen}`)
    case 'lost':
      return failure('KPIPE_SOURCE_UNREACHABLE', `${method} has no answer: ${arrival.seen}`)
    case 'silent':
      return failure('KPIPE_SOURCE_STALLED', `${method} has no answer within ${arrival.afterMs / 1000} s`)
  }
}

/** For decoders of answers to one call. */
export function failDecoding(address: string, path: string): Fail {
  return (seen) => {
    const text = `etcd at ${address}: the answer to ${path.slice(path.lastIndexOf('/') + 1)} cannot be decoded: ${seen}`
    throw new KpipeError('KPIPE_SOURCE_PROTOCOL', text, { endpoint: address, call: path })
  }
}

/** etcd's own words in quotes, such as `PERMISSION_DENIED "etcdserver: permission denied"`. */
export function describeStatus({ code, text }: GrpcStatus): string {
  const name = statusNames[code] ?? `status ${code}`
  return text === '' ? name : `${name} ${JSON.stringify(text)}`
}

/** Members 3.4 say it with UNAVAILABLE, as if they were down; learners answer Snapshot since 3.4.28 and 3.5.0, and HashKV never. */
const isLearnerRefusal = ({ text }: GrpcStatus): boolean => /not supported for learner/.test(text)

/**
 * 3.4 and 3.5 refuse with UNKNOWN and INVALID_ARGUMENT what 3.6 refuses with PERMISSION_DENIED, so whatever is
 * neither a missing method nor a missing server counts as refused.
 */
function codeOf(status: GrpcStatus): KpipeErrorCode {
  const name = statusNames[status.code]
  if (name === 'UNIMPLEMENTED') return 'KPIPE_SOURCE_PROTOCOL'
  return name === 'UNAVAILABLE' || name === 'DEADLINE_EXCEEDED' ? 'KPIPE_SOURCE_UNREACHABLE' : 'KPIPE_SOURCE_REFUSED'
}
