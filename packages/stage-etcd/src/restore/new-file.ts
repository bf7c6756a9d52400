import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'

/** Makes a file (mode 0600) that is on the disk when this resolves. `length` adds zeros up to there, which take no room. */
export async function newFile(path: string, fill: (write: Write) => Promise<unknown>, length = 0): Promise<void> {
  const handle = await open(path, 'wx', 0o600)
  try {
    await fill((position, bytes) => writeAt(handle, position, bytes))
    if (length > 0) await handle.truncate(length)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

export type Write = (position: number, bytes: Uint8Array) => Promise<void>

export async function writeAt(handle: FileHandle, position: number, bytes: Uint8Array): Promise<void> {
  let written = 0
  while (written < bytes.length) {
    const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, position + written)
    written += bytesWritten
  }
}
