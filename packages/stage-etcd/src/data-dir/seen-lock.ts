import { readFile } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'

/** `1: FLOCK  ADVISORY  WRITE 14399 fe:00:9977858 0 EOF`; device and inode are those of the file, the number before them is the process. */
const line = /^\d+: FLOCK +\S+ +WRITE +(\d+) +([0-9a-f]+):([0-9a-f]+):(\d+) /

/** The process that has an exclusive flock on this file, by Linux's list of them; undefined when none is to be seen. */
export async function seenLock(handle: FileHandle, list = '/proc/locks'): Promise<number | undefined> {
  const { dev, ino } = await handle.stat({ bigint: true })
  const [major, minor] = [((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn), (dev & 0xffn) | ((dev >> 12n) & ~0xffn)]
  // Not Linux, or not allowed: nothing is to be seen then.
  const text = await readFile(list, 'utf8').catch(() => '')
  for (const row of text.split('\n')) {
    const [, pid, rowMajor, rowMinor, rowInode] = line.exec(row) ?? []
    if (pid === undefined || BigInt(rowInode!) !== ino) continue
    if (BigInt(`0x${rowMajor}`) === major && BigInt(`0x${rowMinor}`) === minor) return Number(pid)
  }
  return undefined
}
