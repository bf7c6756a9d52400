import { readSync } from 'node:fs'
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import { BoltError } from './errors.ts'
import { findPageBytes, metaBytes, metaPositions, withoutTrailer } from './meta.ts'

/** A database that gives its pages one by one: a file, memory, a sealed snapshot. */
export interface Pages {
  /** Length of the database in bytes, without a snapshot's trailer. */
  readonly bytes: number
  readonly pageBytes: number
  /** Exactly `count` pages from `page` on, never past the end. The caller may keep them, and changes nothing. */
  read(page: number, count: number): Promise<Uint8Array> | Uint8Array
}

export interface FilePages extends Pages {
  close(): Promise<void>
}

/**
 * Up to here a read is done at once: through a promise, a page of 4 KiB takes six times as long. Now and then it takes a breath, for timers,
 * signals and progress.
 */
const shortBytes = 64 << 10
const readsABreath = 512

/** A file by positional reads, never held in memory. @throws BoltError not-bolt, big-endian, truncated when it shrinks meanwhile */
export async function filePages(file: string): Promise<FilePages> {
  const handle = await open(file)
  let shortReads = 0
  try {
    const bytes = withoutTrailer((await handle.stat()).size)
    const pageBytes = await findPageBytesOf(handle)
    return {
      bytes,
      pageBytes,
      read(page, count) {
        const into = new Uint8Array(count * pageBytes)
        const whole = (filled: number) => {
          if (filled < into.length) throw new BoltError('truncated', `page ${page} ends after ${filled} of ${into.length} bytes`, page)
          return into
        }
        if (into.length > shortBytes) return fill(handle, page * pageBytes, into).then(whole)
        whole(fillNow(handle, page * pageBytes, into))
        return ++shortReads % readsABreath === 0 ? setImmediate(into) : into
      },
      close: () => handle.close(),
    }
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** The second meta page is looked for by small reads, for it may lie 16 MiB into the file. */
async function findPageBytesOf(handle: FileHandle): Promise<number> {
  const first = new Uint8Array(metaBytes)
  const filled = await fill(handle, 0, first)
  const atOnce = findPageBytes(first.subarray(0, filled))
  if (atOnce !== undefined) return atOnce
  for (const at of metaPositions()) {
    const head = new Uint8Array(at + metaBytes)
    if ((await fill(handle, at, head.subarray(at))) < metaBytes) break
    if (findPageBytes(head) === at) return at
  }
  throw new BoltError('not-bolt', 'no valid meta page')
}

function fillNow(handle: FileHandle, position: number, into: Uint8Array): number {
  let filled = 0
  while (filled < into.length) {
    const count = readSync(handle.fd, into, filled, into.length - filled, position + filled)
    if (count === 0) break
    filled += count
  }
  return filled
}

async function fill(handle: FileHandle, position: number, into: Uint8Array): Promise<number> {
  let filled = 0
  while (filled < into.length) {
    const { bytesRead } = await handle.read(into, filled, into.length - filled, position + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return filled
}

/** A database that is in memory as a whole. @throws BoltError not-bolt, big-endian */
export function memoryPages(bytes: Uint8Array): Pages {
  const pageBytes = findPageBytes(bytes)
  if (pageBytes === undefined) throw new BoltError('not-bolt', 'no valid meta page')
  return {
    bytes: withoutTrailer(bytes.length),
    pageBytes,
    read: (page, count) => bytes.subarray(page * pageBytes, (page + count) * pageBytes),
  }
}
