import { join } from 'node:path'
import type { FileSystem, OpenFile } from './file-system.ts'
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
    const offset = range?.offset ?? 0
    const length = await lengthToRead(handle, range)
    if (length === undefined) return undefined
    const bytes = new Uint8Array(length)
    let filled = 0
    while (filled < bytes.length) {
      const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, offset + filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    return filled === bytes.length ? bytes : bytes.slice(0, filled)
  } catch (error) {
    // A folder: the name begins those of objects and is none.
    if (hasCode(error, 'EISDIR')) return undefined
    throw error
  } finally {
    await handle.close()
  }
}

/** Memory for so much is taken without a look at how long the file is: each call of the system costs as much as reading some ten kilobytes. */
const unaskedBytes = 4 * 2 ** 20

/** Undefined when it is no file. */
async function lengthToRead(
  handle: Pick<OpenFile, 'stat'>,
  range: { readonly offset: number; readonly length: number } | undefined,
): Promise<number | undefined> {
  if (range !== undefined && range.length <= unaskedBytes) return range.length
  const stat = await handle.stat()
  if (!stat.isFile()) return undefined
  return Math.max(0, Math.min(range?.length ?? stat.size, stat.size - (range?.offset ?? 0)))
}
