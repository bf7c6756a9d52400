import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { writeBolt } from '@kpipe/bolt'
import type { NewItem } from '@kpipe/bolt'
import { failing } from './failing.ts'

const pieceBytes = 1 << 20

/**
 * Writes a snapshot file of these items, as etcdctl saves one: a database, then its SHA-256.
 * @throws KpipeError KPIPE_TARGET_FAILED, or the signal's reason; what `items` and `writeBolt` throw
 */
export async function writeSnapshot(
  file: string,
  items: AsyncIterable<NewItem>,
  pageBytes: number,
  signal: AbortSignal,
): Promise<{ readonly bytes: number }> {
  return failing(file, async () => {
    const handle = await open(file, 'wx+', 0o600)
    try {
      const { bytes } = await writeBolt(items, pageBytes, async (position, piece) => {
        signal.throwIfAborted()
        await writeAt(handle, position, piece)
      })
      const trailer = await digestOf(handle, bytes)
      await writeAt(handle, bytes, trailer)
      return { bytes: bytes + trailer.length }
    } finally {
      await handle.close()
    }
  })
}

async function writeAt(handle: FileHandle, position: number, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, position + written)
    written += bytesWritten
  }
}

async function digestOf(handle: FileHandle, bytes: number): Promise<Uint8Array> {
  const hash = createHash('sha256')
  const piece = new Uint8Array(pieceBytes)
  for (let at = 0; at < bytes;) {
    const { bytesRead } = await handle.read(piece, 0, Math.min(pieceBytes, bytes - at), at)
    if (bytesRead === 0) break
    hash.update(piece.subarray(0, bytesRead))
    at += bytesRead
  }
  return hash.digest()
}
