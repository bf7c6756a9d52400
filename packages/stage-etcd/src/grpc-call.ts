import { constants, sensitiveHeaders, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2'
import { splitMessages } from './grpc-messages.ts'
import { resetName, statusIn, type GrpcStatus } from './grpc-status.ts'
import type { Pieces } from './protobuf.ts'

/** What came next in a call. */
export type Arrival =
  | { readonly kind: 'message'; readonly message: Pieces }
  | CallEnd
  /** Nothing came in time; the call still stands. */
  | { readonly kind: 'silent'; readonly afterMs: number }

/** How a call ended; given again when asked again. */
export type CallEnd =
  | { readonly kind: 'status'; readonly status: GrpcStatus }
  | { readonly kind: 'not-grpc'; readonly seen: string }
  /** Neither side ended the call: the connection or the stream is gone. */
  | { readonly kind: 'lost'; readonly seen: string }

export interface GrpcCall {
  /** Messages in order, then the end. One caller at a time. */
  next(withinMs: number): Promise<Arrival>
  cancel(): void
}

/** Messages that may wait here for the reader; beyond them the stream is paused, and its window holds the server back. */
const maxWaitingBytes = 1 << 20
const maxWaitingMessages = 64
/** etcd's messages here are of some KiB, its blobs of 32 KiB; what this bounds is memory. */
const maxMessageBytes = 16 << 20

/** Sent beside a request; kept out of the tables of HTTP/2 that compress headers. */
export type Metadata = Readonly<Record<string, string>>

/** Begins a call with one request message. `whyLost` tells why the connection ended, where that is known. */
export function startCall(
  session: ClientHttp2Session,
  path: string,
  request: Uint8Array,
  metadata: Metadata,
  whyLost: () => string | undefined,
): GrpcCall {
  const waiting: Pieces[] = []
  let waitingBytes = 0
  let headers: IncomingHttpHeaders | undefined
  let trailers: IncomingHttpHeaders | undefined
  let end: CallEnd | undefined
  let wake: (() => void) | undefined

  const stream = session.request({
    ':method': 'POST',
    ':path': path,
    te: 'trailers',
    'content-type': 'application/grpc',
    'grpc-accept-encoding': 'identity',
    'user-agent': 'kpipe',
    ...metadata,
    [sensitiveHeaders]: Object.keys(metadata),
  })
  const splitter = splitMessages(maxMessageBytes, (message, bytes) => {
    waiting.push(message)
    waitingBytes += bytes
  })

  function finish(how: CallEnd): void {
    end ??= how
    wake?.()
  }

  function refuse(seen: string): void {
    finish({ kind: 'not-grpc', seen })
    stream.close(constants.NGHTTP2_CANCEL)
  }

  stream.on('response', (received) => {
    headers = received
    const type = received['content-type']
    if (type?.startsWith('application/grpc')) return
    refuse(`HTTP status ${received[':status']} with content type ${type ?? 'none'}`)
  })
  stream.on('data', (bytes: Uint8Array) => {
    const wrong = end === undefined ? splitter.push(bytes) : undefined
    if (wrong !== undefined) return refuse(wrong)
    if (waitingBytes >= maxWaitingBytes || waiting.length >= maxWaitingMessages) stream.pause()
    if (waiting.length > 0) wake?.()
  })
  stream.on('trailers', (received) => (trailers = received))
  // Told by 'close', which follows.
  stream.on('error', () => {})
  stream.on('close', () => {
    const status = statusIn(trailers) ?? statusIn(headers)
    if (status !== undefined && !splitter.partial() && stream.readableEnded) return finish({ kind: 'status', status })
    finish({ kind: 'lost', seen: whyLost() ?? howReset(stream.rstCode ?? 0, splitter.partial()) })
  })
  stream.end(framed(request))

  return {
    async next(withinMs) {
      if (waiting.length === 0 && end === undefined) {
        stream.resume()
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, withinMs)
          wake = () => {
            clearTimeout(timer)
            resolve()
          }
        })
        wake = undefined
      }
      const message = waiting.shift()
      if (message === undefined) return end ?? { kind: 'silent', afterMs: withinMs }
      for (const piece of message) waitingBytes -= piece.length
      if (end === undefined && stream.isPaused() && waitingBytes < maxWaitingBytes / 2 && waiting.length < maxWaitingMessages / 2)
        stream.resume()
      return { kind: 'message', message }
    },
    cancel() {
      stream.close(constants.NGHTTP2_CANCEL)
    },
  }
}

/** A call on a connection that is gone. */
export function lostCall(seen: string): GrpcCall {
  return { next: async () => ({ kind: 'lost', seen }), cancel() {} }
}

function framed(message: Uint8Array): Uint8Array {
  const prefix = Buffer.alloc(5)
  prefix.writeUInt32BE(message.length, 1)
  return Buffer.concat([prefix, message])
}

function howReset(code: number, partial: boolean): string {
  if (code !== 0) return `the stream was reset (${resetName(code)})`
  return partial ? 'the stream ended in the middle of a message' : 'the stream ended without a status'
}
