import type { Stats } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import type { Facts, SourceContext, SourceStream } from '@kpipe/engine/contracts'
import { KpipeError } from '@kpipe/engine/contracts'
import { reasonOf } from './reason.ts'
import { isBoltHead, mayHaveTrailer, trailerBytes, verifyTrailer } from './trailer.ts'

/** Larger reads are hardly faster, and one this size stays in the processor's cache until it is copied. */
const pieceBytes = 512 * 1024

interface OpenFile {
  readonly handle: FileHandle
  readonly path: string
  /** As it was when the file was opened. */
  readonly stat: Stats
  readonly name: string
  readonly facts: Facts
  readonly context: SourceContext
}

/** A file whose length must not change while it is read. Every piece is in the same memory. */
export function fileStream({ handle, path, stat, name, facts, context }: OpenFile): SourceStream {
  const bytes = stat.size
  let trailerVerified = false

  async function* read() {
    const piece = Buffer.allocUnsafeSlow(Math.min(pieceBytes, Math.max(bytes, 1)))
    let position = 0
    let trailerAt = Infinity
    while (position < bytes) {
      context.signal.throwIfAborted()
      if (position === trailerAt) {
        const digest = await context.digestSoFar()
        await fill(piece.subarray(0, trailerBytes), position)
        verifyTrailer(piece.subarray(0, trailerBytes), digest, path, position)
        trailerVerified = true
        yield piece.subarray(0, trailerBytes)
        position += trailerBytes
        continue
      }
      const wanted = Math.min(piece.length, bytes - position)
      await fill(piece.subarray(0, wanted), position)
      if (position === 0 && mayHaveTrailer(bytes) && isBoltHead(piece)) trailerAt = bytes - trailerBytes
      // The digest is asked for when exactly the bytes before the trailer have passed.
      const length = Math.min(wanted, trailerAt - position)
      yield piece.subarray(0, length)
      position += length
    }
    const { bytesRead } = await handle.read(piece, 0, 1, bytes)
    if (bytesRead > 0) throw mismatch(`${path} grew while it was read: it had ${bytes} bytes`)
    const after = await handle.stat()
    if (after.mtimeMs !== stat.mtimeMs) context.warn(`${path} was written to while it was read`)
  }

  async function fill(into: Uint8Array, position: number) {
    let filled = 0
    while (filled < into.length) {
      const { bytesRead } = await handle.read(into, filled, into.length - filled, position + filled).catch((cause: unknown) => {
        throw new KpipeError('KPIPE_SOURCE_DIED', `${path} cannot be read on at byte ${position}: ${reasonOf(cause)}`, { path }, { cause })
      })
      if (bytesRead === 0) throw mismatch(`${path} shrank while it was read: ${position + filled} of ${bytes} bytes were there`)
      filled += bytesRead
    }
  }

  const mismatch = (message: string) => new KpipeError('KPIPE_SIZE_MISMATCH', message, { path, bytes })

  return {
    name,
    member: '',
    bytes,
    facts,
    read,
    end: () => Promise.resolve({ trailer_verified: trailerVerified }),
    close: () => handle.close(),
  }
}
