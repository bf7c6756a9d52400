import type { Readable } from 'node:stream'
import type { SourceContext, SourceStream } from '@kpipe/engine/contracts'
import { KpipeError } from '@kpipe/engine/contracts'
import { reasonOf } from './reason.ts'
import { boltHeadBytes, isBoltHead, mayHaveTrailer, trailerBytes, verifyTrailer } from './trailer.ts'

/**
 * A stream whose length is known only at its end. The last 32 bytes read are always held back, so that the digest of
 * all bytes before them can be asked for when the end comes.
 */
export function inputStream(input: Readable, name: string, context: SourceContext): SourceStream {
  let trailerVerified = false
  const letGo = () => input.destroy(context.signal.reason as Error)
  context.signal.addEventListener('abort', letGo, { once: true })

  async function* read() {
    context.signal.throwIfAborted()
    let held = Buffer.alloc(0)
    let head = Buffer.alloc(0)
    let bytes = 0
    for await (const piece of pieces(input, context.signal)) {
      if (head.length < boltHeadBytes) head = Buffer.concat([head, piece.subarray(0, boltHeadBytes - head.length)])
      bytes += piece.length
      if (piece.length >= trailerBytes) {
        if (held.length > 0) yield held
        if (piece.length > trailerBytes) yield piece.subarray(0, piece.length - trailerBytes)
        held = Buffer.from(piece.subarray(piece.length - trailerBytes))
      } else {
        const joined = Buffer.concat([held, piece])
        const passed = Math.max(joined.length - trailerBytes, 0)
        if (passed > 0) yield joined.subarray(0, passed)
        held = joined.subarray(passed)
      }
    }
    if (mayHaveTrailer(bytes) && isBoltHead(head)) {
      verifyTrailer(held, await context.digestSoFar(), 'standard input', bytes - trailerBytes)
      trailerVerified = true
    }
    if (held.length > 0) yield held
  }

  return {
    name,
    member: '',
    bytes: undefined,
    facts: {},
    read,
    end: () => Promise.resolve({ trailer_verified: trailerVerified }),
    close() {
      context.signal.removeEventListener('abort', letGo)
      input.destroy()
      return Promise.resolve()
    },
  }
}

async function* pieces(input: Readable, signal: AbortSignal): AsyncGenerator<Buffer> {
  try {
    for await (const piece of input as AsyncIterable<Buffer>) {
      yield piece
      giveBack(piece)
    }
  } catch (cause) {
    signal.throwIfAborted()
    throw new KpipeError('KPIPE_SOURCE_DIED', `standard input cannot be read: ${reasonOf(cause)}`, {}, { cause })
  }
}

/** Each read of standard input makes a buffer, and the collector does not hurry for memory outside its heap. */
function giveBack({ buffer, byteLength }: Buffer): void {
  if (buffer instanceof ArrayBuffer && byteLength === buffer.byteLength) buffer.transfer(0)
}
