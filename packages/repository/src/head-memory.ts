import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { KeyRing } from './keys/key-ring.ts'

/** An entry of the log: its number and the SHA-256 of its bytes in hex. */
export interface Head {
  readonly n: number
  readonly digest: string
}

/** Which keys were in use at a head, for who finds others in use there later. */
export interface KeysInUse {
  readonly epoch: number
  /** 32 hex digits that follow from root M of the epoch, and tell nothing of it. */
  readonly print: string
}

/** The newest head that this host has seen. */
export interface RememberedHead extends Head {
  readonly keys?: KeysInUse | undefined
}

export function keysInUse(ring: KeyRing, epoch: number): KeysInUse {
  return { epoch, print: Buffer.from(ring.workingKey(epoch, 'memory')).toString('hex', 0, 16) }
}

export function formatHead({ n, digest }: Head): string {
  return `${n}:${digest}`
}

export function parseHead(text: string): Head | undefined {
  const match = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text.trim())
  return match === null ? undefined : { n: Number(match[1]), digest: match[2] }
}

/** Undefined when this host has seen none, or its memory is not readable. */
export async function recallHead(
  folder: string,
  repositoryId: string,
  warn: (message: string) => void,
): Promise<RememberedHead | undefined> {
  const path = join(folder, repositoryId)
  try {
    const [text, keys = ''] = (await readFile(path, 'utf8')).split('\n')
    const head = parseHead(text)
    if (head === undefined) warn(`${path} does not hold a head of a log: it is written anew`)
    const [, epoch, print] = /^keys (\d{1,10}):([0-9a-f]{32})$/.exec(keys) ?? []
    return head && { ...head, keys: epoch === undefined ? undefined : { epoch: Number(epoch), print } }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT') warn(`the newest head seen cannot be read from ${path}: ${code}`)
    return undefined
  }
}

/** Replaces the memory atomically. A failure only warns: no backup fails for it. */
export async function rememberHead(
  folder: string,
  repositoryId: string,
  head: Head & { readonly keys: KeysInUse },
  warn: (message: string) => void,
): Promise<void> {
  const path = join(folder, repositoryId)
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const { epoch, print } = head.keys
    await writeFile(draft, `${formatHead(head)}\nkeys ${epoch}:${print}\n`, { mode: 0o600, flag: 'wx' })
    await rename(draft, path)
  } catch (error) {
    warn(
      `the newest head seen cannot be kept in ${path}: ${(error as NodeJS.ErrnoException).code}; a store that shows an older state will not be noticed`,
    )
    await rm(draft, { force: true }).catch(() => undefined) // The folder itself may be out of reach.
  }
}
