import { join } from 'node:path'
import type { FileSystem } from './file-system.ts'
import { hasCode } from './store-fault.ts'

/** The file, or as much of a range as it has, in own memory; undefined when there is no file. */
export async function readObject(
  files: FileSystem,
  root: string,
  name: string,
  range?: { readonly offset: number; readonly length: number },
): Promise<Uint8Array | undefined> {
  let handle
  try {
    handle = await files.open(join(root, name), 'r')
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw error
  }
  try {
    const stat = await handle.stat()
    // A folder: the name begins those of objects and is none.
    if (!stat.isFile()) return undefined
    const { size } = stat
    const offset = range?.offset ?? 0
    const bytes = new Uint8Array(Math.max(0, Math.min(range?.length ?? size, size - offset)))
    let filled = 0
    while (filled < bytes.length) {
      const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, offset + filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    return filled === bytes.length ? bytes : bytes.slice(0, filled)
  } finally {
    await handle.close()
  }
}
