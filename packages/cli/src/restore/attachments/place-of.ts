import { lstat, mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { getSystemErrorMessage } from 'node:util'
import { KpipeError } from '@kpipe/engine/contracts'

/** Where an attachment of that name goes below a folder. @throws KpipeError KPIPE_USAGE for a name that might lead out of it */
export function placeOf(folder: string, name: string): string {
  const parts = name.split('/')
  if (name.includes('\0') || parts.some((part) => part === '' || part === '.' || part === '..'))
    throw new KpipeError('KPIPE_USAGE', `attachment ${name} has a name that may lead out of ${folder}`, { name })
  return join(folder, ...parts)
}

/** @throws KpipeError KPIPE_TARGET_EXISTS */
export async function refuseExisting(path: string): Promise<void> {
  if (await isThere(path)) throw new KpipeError('KPIPE_TARGET_EXISTS', `${path} exists`, { path })
}

/**
 * Makes the folders between `folder` and a file below it (mode 0700), and `folder` itself. One that is there must be a folder: whoever
 * put a link in its place would have the file elsewhere.
 * @throws KpipeError KPIPE_TARGET_FAILED
 */
export async function makeFoldersFor(folder: string, path: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const above = dirname(path).slice(folder.length).split('/').filter(Boolean)
    for (let at = folder; above.length > 0;) {
      at = join(at, above.shift()!)
      if (await isThere(at)) {
        if (!(await lstat(at)).isDirectory())
          throw new KpipeError('KPIPE_TARGET_FAILED', `${at} is in the way of ${path}: it is no folder, or a link to one`, { path: at })
      } else await mkdir(at, { mode: 0o700 })
    }
  } catch (error) {
    if (error instanceof KpipeError) throw error
    const { errno, code, message } = error as NodeJS.ErrnoException
    const seen = errno === undefined ? message : `${getSystemErrorMessage(errno)} (${code})`
    throw new KpipeError('KPIPE_TARGET_FAILED', `the folder of ${path} cannot be made: ${seen}`, { path }, { cause: error })
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return false
    throw error
  }
}
