import type { FileHandle } from 'node:fs/promises'
import { KpipeError } from '@kpipe/engine/contracts'
import type { Content } from './content.ts'
import { reading } from './reading.ts'

/** As snapshots of etcd end with. */
export const trailerBytes = 32
const pieceBytes = 512 * 1024

export interface ContentReading {
  readonly path: string
  readonly signal: AbortSignal
  digestSoFar(): Promise<Uint8Array>
  /** Called after the last byte of the file, before the trailer makes a snapshot of what was read. */
  demandUnmoved(): Promise<void>
}

/**
 * The content of a database with these meta pages, and the SHA-256 behind it that makes a snapshot of it. Every piece is in the same memory.
 * @throws KpipeError KPIPE_SOURCE_DIED, KPIPE_SIZE_MISMATCH
 */
export async function* readContentBytes(
  handle: FileHandle,
  content: Content,
  metas: readonly Uint8Array[],
  context: ContentReading,
): AsyncGenerator<Uint8Array> {
  const { path, signal } = context
  const piece = Buffer.allocUnsafeSlow(Math.min(pieceBytes, content.bytes))
  for (let position = 0; position < content.bytes;) {
    signal.throwIfAborted()
    const wanted = piece.subarray(0, Math.min(piece.length, content.bytes - position))
    const { bytesRead } = await reading(path, () => handle.read(wanted, 0, wanted.length, position), 'KPIPE_SOURCE_DIED')
    if (bytesRead === 0) {
      const seen = `${path} shrank while it was read: ${position} of ${content.bytes} bytes were there`
      throw new KpipeError('KPIPE_SIZE_MISMATCH', seen, { path, bytes: position })
    }
    const bytes = wanted.subarray(0, bytesRead)
    for (const [page, meta] of metas.entries()) overlay(bytes, position, meta, content.metaPositions[page]!)
    yield bytes
    position += bytesRead
  }
  signal.throwIfAborted()
  await context.demandUnmoved()
  yield await context.digestSoFar()
}

/** Puts what of `patch`, which belongs at `at`, falls into the piece of the stream that begins at `position`. */
function overlay(piece: Uint8Array, position: number, patch: Uint8Array, at: number): void {
  const [from, to] = [Math.max(position, at), Math.min(position + piece.length, at + patch.length)]
  if (from < to) piece.set(patch.subarray(from - at, to - at), from - position)
}
