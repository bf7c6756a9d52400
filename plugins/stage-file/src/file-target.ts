import { randomBytes } from 'node:crypto'
import { link, lstat, open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { PositionedTarget } from '@kpipe/engine/contracts'
import { KpipeError } from '@kpipe/engine/contracts'
import { earlySync } from './early-sync.ts'
import { reasonOf } from './reason.ts'

/** What file systems without hard links answer. */
const linkless = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EINVAL'])

/**
 * Writes to a temporary file beside `path` (mode 0600), which gets its name when all is on the disk.
 * @param bytes how many will be written
 * @throws KpipeError KPIPE_TARGET_EXISTS, KPIPE_TARGET_FAILED
 */
export async function createFileTarget(path: string, bytes?: number): Promise<PositionedTarget> {
  await refuseExisting(path)
  const folder = dirname(path)
  const temporary = join(folder, `.${basename(path)}.${randomBytes(6).toString('hex')}.part`)
  const handle = await failing(path, open(temporary, 'wx+', 0o600))
  const disk = earlySync(handle, bytes)
  let closed = false
  const close = async () => {
    if (closed) return
    closed = true
    await disk.settled()
    await handle.close()
  }

  return {
    ordered: false,
    file: {
      fd: handle.fd,
      written: disk.written,
      failed: (error) => failed(path, error),
    },
    async write(position, bytes) {
      let written = 0
      while (written < bytes.length) {
        const result = await failing(path, handle.write(bytes, written, bytes.length - written, position + written))
        written += result.bytesWritten
      }
      disk.written(bytes.length)
    },
    async read(position, into) {
      const { bytesRead } = await failing(path, handle.read(into, 0, into.length, position))
      return bytesRead
    },
    async commit() {
      await failing(path, disk.finish())
      await failing(path, close())
      await giveName(temporary, path)
      await failing(path, syncFolder(folder))
    },
    async abort() {
      // Closing may report a write that failed before; the file goes away either way.
      await close().catch(() => undefined)
      await failing(path, rm(temporary, { force: true }))
    },
  }
}

/** A link, unlike a rename, never replaces a file that has appeared under the name meanwhile. */
async function giveName(temporary: string, path: string): Promise<void> {
  try {
    await link(temporary, path)
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') throw exists(path)
    if (!linkless.has(code)) throw failed(path, error)
    await refuseExisting(path)
    await failing(path, rename(temporary, path))
    return
  }
  await failing(path, rm(temporary))
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function refuseExisting(path: string): Promise<void> {
  try {
    await lstat(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw failed(path, error)
  }
  throw exists(path)
}

async function failing<Result>(path: string, result: Promise<Result>): Promise<Result> {
  try {
    return await result
  } catch (error) {
    throw failed(path, error)
  }
}

function exists(path: string): KpipeError {
  return new KpipeError('KPIPE_TARGET_EXISTS', `${path} exists already`, { path })
}

function failed(path: string, cause: unknown): KpipeError {
  return new KpipeError('KPIPE_TARGET_FAILED', `${path} cannot be written: ${reasonOf(cause)}`, { path }, { cause })
}
