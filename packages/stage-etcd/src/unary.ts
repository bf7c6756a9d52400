import { callFailure, failDecoding } from './call-failure.ts'
import type { Channel } from './channel.ts'
import type { Fail, Pieces } from './protobuf.ts'

/**
 * One question, one answer, on the connection that the snapshot will come by: no second client for a few bytes.
 * @throws KpipeError KPIPE_SOURCE_*
 */
export async function ask<Answer>(
  channel: Channel,
  path: string,
  request: Uint8Array,
  decode: (message: Pieces, fail: Fail) => Answer,
  withinMs: number,
): Promise<Answer> {
  const { address } = channel.endpoint
  const call = channel.call(path, request)
  try {
    const answer = await call.next(withinMs)
    if (answer.kind !== 'message') throw callFailure(channel, path, answer)
    const end = await call.next(withinMs)
    if (end.kind === 'message') return failDecoding(address, path)('there are two answers')
    if (end.kind !== 'status' || end.status.code !== 0) throw callFailure(channel, path, end)
    return decode(answer.message, failDecoding(address, path))
  } finally {
    call.cancel()
  }
}
