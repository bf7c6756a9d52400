import type { Stats } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import type { Facts, SourceContext, SourceStream } from '@kpipe/engine/contracts'
import { KpipeError } from '@kpipe/engine/contracts'
import { reasonOf } from './reason.ts'
import { boltHeadBytes, isBoltHead, mayHaveTrailer, trailerBytes, verifyTrailer } from './trailer.ts'

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

/** A file whose length must not change while it is read. Pieces are in the same memory by turns. */
export async function fileStream({ handle, path, stat, name, facts, context }: OpenFile): Promise<SourceStream> {
  const bytes = stat.size
  const isSnapshot = mayHaveTrailer(bytes) && isBoltHead(await headOf(handle).catch((cause: unknown) => Promise.reject(failed(0, cause))))
  const trailerAt = isSnapshot ? bytes - trailerBytes : Infinity
  let trailerVerified = false

  async function verify(trailer: Uint8Array) {
    verifyTrailer(trailer, await context.digestSoFar(), path, trailerAt)
    trailerVerified = true
  }

  async function* read() {
    const pieces = [0, 1].map(() => Buffer.allocUnsafeSlow(Math.min(pieceBytes, Math.max(bytes, 1))))
    const begin = (from: number): Promise<Buffer> => {
      const into = pieces[(from / pieceBytes) % 2]!.subarray(0, Math.max(0, Math.min(pieceBytes, bytes - from)))
      const reading = fill(into, from).then(() => into)
      reading.catch(() => undefined) // Thrown when its turn comes.
      return reading
    }
    let coming = begin(0)
    for (let position = 0; position < bytes; position += pieceBytes) {
      context.signal.throwIfAborted()
      const piece = await coming
      // The next piece is read while this one is at work.
      coming = begin(position + pieceBytes)
      const before = Math.min(piece.length, trailerAt - position)
      if (before > 0) yield piece.subarray(0, before)
      if (before >= piece.length) continue
      // The digest is asked for when exactly the bytes before the trailer have passed.
      await verify(piece.subarray(before))
      yield piece.subarray(before)
    }
    await coming
  }

  /** After the last byte. */
  async function demandUnchanged() {
    const { bytesRead } = await handle.read(Buffer.alloc(1), 0, 1, bytes)
    if (bytesRead > 0) throw mismatch(`${path} grew while it was read: it had ${bytes} bytes`)
    const after = await handle.stat()
    if (after.mtimeMs !== stat.mtimeMs) context.warn(`${path} was written to while it was read`)
  }

  async function fill(into: Uint8Array, position: number) {
    let filled = 0
    while (filled < into.length) {
      const { bytesRead } = await handle.read(into, filled, into.length - filled, position + filled).catch((cause: unknown) => {
        throw failed(position + filled, cause)
      })
      if (bytesRead === 0) throw failed(position + filled)
      filled += bytesRead
    }
  }

  function failed(position: number, cause?: unknown): KpipeError {
    if (cause === undefined) return mismatch(`${path} shrank while it was read: ${position} of ${bytes} bytes were there`)
    return new KpipeError('KPIPE_SOURCE_DIED', `${path} cannot be read on at byte ${position}: ${reasonOf(cause)}`, { path }, { cause })
  }

  const mismatch = (message: string) => new KpipeError('KPIPE_SIZE_MISMATCH', message, { path, bytes })

  return {
    name,
    member: '',
    bytes,
    facts,
    read,
    file: { fd: handle.fd, failed, trailer: trailerAt < bytes ? { position: trailerAt, verify } : undefined },
    async end() {
      await demandUnchanged()
      return { trailer_verified: trailerVerified }
    },
    close: () => handle.close(),
  }
}

async function headOf(handle: FileHandle): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(boltHeadBytes), 0, boltHeadBytes, 0)
  return buffer.subarray(0, bytesRead)
}
