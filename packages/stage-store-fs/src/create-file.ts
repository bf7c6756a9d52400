import { randomBytes } from 'node:crypto'
import { dirname, join } from 'node:path'
import { KpipeError } from '@kpipe/engine/contracts'
import type { DurableFolders } from './durable-folder.ts'
import type { FileSystem, OpenFile } from './file-system.ts'
import { holds } from './same-bytes.ts'
import { hasCode } from './store-fault.ts'

/** Pieces of one `writev`; Linux takes 1,024. */
const maxPieces = 512
const linkless = ['EMLINK', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EXDEV']

/**
 * Writes a file under a name of tmp/, makes it durable, and links it to its own name, which must be free. A file whose fsync
 * failed is dropped: the system may have forgotten which pages it could not write, so a second fsync proves nothing.
 */
export async function createFile(
  files: FileSystem,
  root: string,
  folders: DurableFolders,
  name: string,
  parts: readonly Uint8Array[],
): Promise<'created' | 'exists'> {
  const path = join(root, name)
  const draft = join(root, 'tmp', randomBytes(12).toString('hex'))
  try {
    await inFolder(folders, dirname(draft), () => writeDraft(files, draft, parts))
    const folder = dirname(path)
    const failures = folders.failuresOf(folder)
    const linked = await inFolder(folders, folder, () => linkDraft(files, draft, path))
    // Also when it exists: whoever acts on another process's object must know that its name is durable.
    await folders.sync(folder, linked ? failures : undefined)
    if (linked) return 'created'
    return (await holds(files, path, parts)) ? 'created' : 'exists'
  } finally {
    await files.rm(draft, { force: true }).catch(() => undefined) // What stays in tmp/ harms nobody, and the outcome is known.
  }
}

/** Tries again once when the folder was removed since it was made. */
async function inFolder<Result>(folders: DurableFolders, folder: string, work: () => Promise<Result>): Promise<Result> {
  await folders.make(folder)
  try {
    return await work()
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
    folders.forget()
    await folders.make(folder)
    return work()
  }
}

async function writeDraft(files: FileSystem, draft: string, parts: readonly Uint8Array[]): Promise<void> {
  const handle = await files.open(draft, 'wx', 0o600)
  try {
    await writeAll(handle, parts)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** `writev` may write less than it is given. */
async function writeAll(handle: OpenFile, parts: readonly Uint8Array[]): Promise<void> {
  let rest = parts.filter((part) => part.length > 0)
  while (rest.length > 0) {
    let { bytesWritten } = await handle.writev(rest.slice(0, maxPieces))
    let whole = 0
    while (whole < rest.length && bytesWritten >= rest[whole].length) bytesWritten -= rest[whole++].length
    rest = rest.slice(whole)
    if (bytesWritten > 0) rest[0] = rest[0].subarray(bytesWritten)
  }
}

/** False when the name is taken. */
async function linkDraft(files: FileSystem, draft: string, path: string): Promise<boolean> {
  try {
    await files.link(draft, path)
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    if (!hasCode(error, ...linkless)) throw error
    const { code } = error as NodeJS.ErrnoException
    const text = `${dirname(path)} is on a file system without hard links (link: ${code}), which a repository needs to create each object exactly once`
    throw new KpipeError('KPIPE_STORE_UNSUITABLE', text, { path, errno: code }, { cause: error })
  }
}
