import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** An entry of the log: its number and the SHA-256 of its bytes in hex. */
export interface Head {
  readonly n: number
  readonly digest: string
}

export function formatHead({ n, digest }: Head): string {
  return `${n}:${digest}`
}

export function parseHead(text: string): Head | undefined {
  const match = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text.trim())
  return match === null ? undefined : { n: Number(match[1]), digest: match[2] }
}

/** The newest head that this host has seen; undefined when it has seen none, or its memory is not readable. */
export async function recallHead(folder: string, repositoryId: string, warn: (message: string) => void): Promise<Head | undefined> {
  const path = join(folder, repositoryId)
  try {
    const head = parseHead(await readFile(path, 'utf8'))
    if (head === undefined) warn(`${path} does not hold a head of a log: it is written anew`)
    return head
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT') warn(`the newest head seen cannot be read from ${path}: ${code}`)
    return undefined
  }
}

/** Replaces the memory atomically. A failure only warns: no backup fails for it. */
export async function rememberHead(folder: string, repositoryId: string, head: Head, warn: (message: string) => void): Promise<void> {
  const path = join(folder, repositoryId)
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await writeFile(draft, `${formatHead(head)}\n`, { mode: 0o600, flag: 'wx' })
    await rename(draft, path)
  } catch (error) {
    warn(
      `the newest head seen cannot be kept in ${path}: ${(error as NodeJS.ErrnoException).code}; a store that shows an older state will not be noticed`,
    )
    await rm(draft, { force: true }).catch(() => undefined) // The folder itself may be out of reach.
  }
}
