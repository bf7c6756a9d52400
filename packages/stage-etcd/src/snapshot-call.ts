import { KpipeError, type KpipeErrorCode } from '@kpipe/engine/contracts'
import { callFailure, describeStatus, failDecoding } from './call-failure.ts'
import type { Channel } from './channel.ts'
import { decodeSnapshot, methods, type SnapshotResponse } from './etcd-messages.ts'
import type { Arrival, GrpcCall } from './grpc-call.ts'
import { lengthOf } from './protobuf.ts'

/** SHA-256 of all bytes before it; the last bytes of every stream. */
export const trailerBytes = 32
/** A server that cannot read its file sends empty blobs for ever. */
const maxEmptyBlobs = 16

const gatheredBytes = 256 * 1024
/** For how long fewer bytes than that wait for more. */
const lingerMs = 20

/** A snapshot that has begun to come. */
export interface SnapshotCall {
  readonly address: string
  readonly call: GrpcCall
  readonly first: SnapshotResponse
  /** Length of the database, the trailer not counted. */
  readonly dataBytes: number
}

/** Resolves with the first message. @throws KpipeError KPIPE_SOURCE_* */
export async function callSnapshot(channel: Channel, withinMs: number): Promise<SnapshotCall> {
  const { address } = channel.endpoint
  const call = channel.call(methods.snapshot, new Uint8Array())
  const arrival = await call.next(withinMs)
  if (arrival.kind !== 'message') throw callFailure(channel, methods.snapshot, arrival)
  const fail = failDecoding(address, methods.snapshot)
  const first = decodeSnapshot(arrival.message, fail)
  const dataBytes = first.remainingBytes + lengthOf(first.blob)
  if (first.remainingBytes < 0 || !Number.isSafeInteger(dataBytes)) fail(`${first.remainingBytes} bytes remain`)
  return { address, call, first, dataBytes }
}

export interface ReadingOptions {
  /** Time without a byte of the snapshot while the reader waits, in milliseconds. */
  readonly idleTimeoutMs: number
  /** When it aborts, its reason is thrown in place of what the ending connection looks like. */
  readonly signal: AbortSignal
  /** SHA-256 of what was yielded. */
  digestSoFar(): Promise<Uint8Array>
  /** Called before the trailer is yielded. */
  onVerified(): void
}

/**
 * The bytes of a snapshot in order, in pieces that are all in the same memory. Blobs may have any size. The trailer comes last, once
 * etcd has ended the call well and the digest matches; a stream that fails yields no trailer.
 * @throws KpipeError KPIPE_SOURCE_*, KPIPE_SIZE_MISMATCH, KPIPE_TRAILER_MISMATCH
 */
export async function* readSnapshot(snapshot: SnapshotCall, options: ReadingOptions): AsyncGenerator<Uint8Array, void, undefined> {
  const { idleTimeoutMs } = options
  const { address, call, first, dataBytes } = snapshot
  const streamBytes = dataBytes + trailerBytes
  const trailer = Buffer.alloc(trailerBytes)
  let received = 0
  let emptyBlobs = 0

  function failure(code: KpipeErrorCode, seen: string): KpipeError {
    const details = { endpoint: address, received_bytes: received, expected_bytes: streamBytes }
    return new KpipeError(code, `snapshot from etcd at ${address}: ${seen} after ${received} of ${streamBytes} bytes`, details)
  }

  // What arrives comes in some thousand bytes at a time, and each step of a generator takes as long as copying them.
  const gathered = new Uint8Array(Math.min(gatheredBytes, Math.max(dataBytes, 1)))
  let filled = 0
  let blob = first.blob
  for (let progressed = performance.now(); ;) {
    const before = received
    for (const piece of blob) {
      const dataLength = Math.min(piece.length, Math.max(0, dataBytes - received))
      const restLength = piece.length - dataLength
      if (received + piece.length > streamBytes) throw failure('KPIPE_SIZE_MISMATCH', `${piece.length} bytes more come`)
      if (restLength > 0) trailer.set(piece.subarray(dataLength), received + dataLength - dataBytes)
      received += piece.length
      for (let taken = 0; taken < dataLength;) {
        const some = piece.subarray(taken, Math.min(dataLength, taken + gathered.length - filled))
        gathered.set(some, filled)
        taken += some.length
        filled += some.length
        if (filled < gathered.length) continue
        yield gathered
        filled = 0
      }
    }
    emptyBlobs = received > before ? 0 : emptyBlobs + 1
    if (emptyBlobs === maxEmptyBlobs) throw failure('KPIPE_SOURCE_STALLED', `${emptyBlobs} empty blobs in a row`)
    // Taken when the reader is back: its time is not the server's.
    if (emptyBlobs === 0) progressed = performance.now()
    const next = (atMostMs: number) => call.next(Math.max(1, Math.min(atMostMs, progressed + idleTimeoutMs - performance.now())))
    let arrival = await next(filled > 0 ? lingerMs : idleTimeoutMs)
    if (arrival.kind === 'silent' && filled > 0) {
      const lentAt = performance.now()
      yield gathered.subarray(0, filled)
      filled = 0
      progressed += performance.now() - lentAt
      arrival = await next(idleTimeoutMs)
    }
    if (arrival.kind === 'message') blob = decodeSnapshot(arrival.message, failDecoding(address, methods.snapshot)).blob
    else if (arrival.kind === 'status' && arrival.status.code === 0 && received === streamBytes) break
    else {
      options.signal.throwIfAborted()
      if (filled > 0) yield gathered.subarray(0, filled)
      throw brokenStream(arrival, failure, idleTimeoutMs)
    }
  }
  if (filled > 0) yield gathered.subarray(0, filled)
  if (!trailer.equals(await options.digestSoFar())) {
    const seen = `snapshot from etcd at ${address} ends with a digest that does not match its ${dataBytes} bytes`
    throw new KpipeError('KPIPE_TRAILER_MISMATCH', seen, { endpoint: address, expected_bytes: streamBytes })
  }
  options.onVerified()
  yield trailer
}

function brokenStream(
  arrival: Exclude<Arrival, { kind: 'message' }>,
  failure: (code: KpipeErrorCode, seen: string) => KpipeError,
  idleTimeoutMs: number,
): KpipeError {
  switch (arrival.kind) {
    case 'silent':
      return failure('KPIPE_SOURCE_STALLED', `no progress within ${idleTimeoutMs / 1000} s`)
    case 'lost':
      return failure('KPIPE_SOURCE_DIED', arrival.seen)
    case 'not-grpc':
      return failure('KPIPE_SOURCE_PROTOCOL', `the stream is not gRPC: ${arrival.seen}`)
    case 'status':
      if (arrival.status.code === 0) return failure('KPIPE_SIZE_MISMATCH', 'etcd ended the stream')
      return failure('KPIPE_SOURCE_DIED', `etcd ended the stream with ${describeStatus(arrival.status)}`)
  }
}
