import type { FileSystem } from './file-system.ts'
import { hasCode } from './store-fault.ts'

const stepBytes = 2 ** 20

/** Whether the file holds exactly these bytes. False when it is gone. */
export async function holds(files: FileSystem, path: string, parts: readonly Uint8Array[]): Promise<boolean> {
  let handle
  try {
    handle = await files.open(path, 'r')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false
    throw error
  }
  try {
    const expected = parts.reduce((sum, part) => sum + part.length, 0)
    if ((await handle.stat()).size !== expected) return false
    const seen = new Uint8Array(Math.min(stepBytes, Math.max(expected, 1)))
    let position = 0
    for (const part of parts) {
      for (let offset = 0; offset < part.length;) {
        const wanted = Math.min(seen.length, part.length - offset)
        const { bytesRead } = await handle.read(seen, 0, wanted, position)
        if (bytesRead === 0 || Buffer.compare(seen.subarray(0, bytesRead), part.subarray(offset, offset + bytesRead)) !== 0) return false
        offset += bytesRead
        position += bytesRead
      }
    }
    return true
  } finally {
    await handle.close()
  }
}
