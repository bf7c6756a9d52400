import { constants } from 'node:fs'
import { open, readdir, realpath, stat } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { getSystemErrorMessage } from 'node:util'
import type { Facts } from '@kpipe/engine/contracts'

/** A file that goes with a snapshot, as it was when it was read. */
export interface AttachedFile {
  /** Its path without leading slash. */
  readonly name: string
  /** Absolute. */
  readonly path: string
  readonly bytes: Uint8Array
  /** Permission bits. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Milliseconds since 1970. */
  readonly mtime: number
}

export interface AttachedFiles {
  /** In the order of the pipeline file, in folders by name. */
  readonly files: readonly AttachedFile[]
  /** Sentences about what could not be read: it is not in `files`. */
  readonly attention: readonly string[]
}

/** Of all files of a run together, for they are in memory while the database streams. */
export const maxAttachedBytes = 64 * 2 ** 20
/** The manifest names each of them, in every snapshot. */
export const maxAttachedFiles = 1000
const maxTries = 3

/**
 * Reads the files and folders that a pipeline file attaches. Links are followed: what is stored is what they lead to. Whatever cannot be
 * read is told, and the rest goes on.
 * @param paths absolute
 */
export async function readAttachments(paths: readonly string[]): Promise<AttachedFiles> {
  const files = new Map<string, AttachedFile>()
  const attention: string[] = []
  let left = maxAttachedBytes
  const take = async (path: string, around: readonly string[]): Promise<void> => {
    try {
      const found = await stat(path)
      if (found.isDirectory()) {
        const real = await realpath(path)
        // A link to a folder that it lies in has no end.
        if (around.includes(real)) return
        const names = (await readdir(path)).toSorted()
        for (const name of names) await take(join(path, name), [...around, real])
        return
      }
      if (files.has(path)) return
      if (nameOf(path) === 'database') throw new Unfit('would have the name of what the source gives')
      if (!found.isFile()) throw new Unfit('is neither a file nor a folder')
      if (files.size >= maxAttachedFiles) throw new Unfit(`is one of more than ${maxAttachedFiles} files`)
      const file = await readWhole(path, left)
      left -= file.bytes.length
      files.set(path, file)
    } catch (error) {
      attention.push(`attachment ${path} is not in this snapshot: it ${reasonOf(error)}`)
    }
  }
  for (const path of paths) await take(path, [])
  return { files: [...files.values()], attention }
}

/** What the manifest says of them. */
export function attachmentFacts(files: readonly AttachedFile[]): Facts[] {
  return files.map(({ bytes, ...file }) => ({ ...file, bytes: bytes.length }))
}

/** A file that grows, shrinks or is replaced while it is read is read again. */
async function readWhole(path: string, most: number): Promise<AttachedFile> {
  for (let count = 0; count < maxTries; count++) {
    // Without waiting, should it have become a pipe that nobody writes to.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const before = await file.stat()
      if (before.size > most) throw new Unfit(`makes the attachments larger than ${maxAttachedBytes / 2 ** 20} MiB`)
      const bytes = await readUpTo(file, before.size + 1)
      const after = await file.stat()
      if (bytes.length !== after.size || after.size !== before.size || after.mtimeMs !== before.mtimeMs) continue
      const { mode, uid, gid, mtimeMs } = after
      return { name: nameOf(path), path, bytes, mode: mode & 0o7777, uid, gid, mtime: Math.trunc(mtimeMs) }
    } finally {
      await file.close()
    }
  }
  throw new Unfit(`changed each of the ${maxTries} times that it was read`)
}

function nameOf(path: string): string {
  return path.replace(/^\/+/, '')
}

async function readUpTo(file: FileHandle, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, length - filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return bytes.subarray(0, filled)
}

/** Why a file does not go along; `message` goes on after its path. */
class Unfit extends Error {}

function reasonOf(error: unknown): string {
  if (error instanceof Unfit) return error.message
  const { code, errno } = error as NodeJS.ErrnoException
  if (errno === undefined) throw error
  return `cannot be read: ${getSystemErrorMessage(errno)} (${code})`
}
