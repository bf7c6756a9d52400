import { access, constants, open, readdir, readlink, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Environment } from '../where/pipeline-file.ts'

/** What discovery looks at: the files of this host, and the environment. Looks only, and never at much. */
export interface Host {
  readonly name: string
  readonly env: Environment
  /** The text of a file, or why there is none: an error's code. */
  read(path: string): Promise<HostFile>
  /** Names in a folder, sorted; none where it is missing or closed. */
  list(path: string): Promise<string[]>
  /** The code of why it cannot be read by this user; undefined when it can. */
  unreadable(path: string): Promise<string | undefined>
  isFolder(path: string): Promise<boolean>
  /** What a symbolic link says; undefined where that cannot be read. */
  link(path: string): Promise<string | undefined>
}

export type HostFile = { readonly text: string } | { readonly text: undefined; readonly code: string }

/** Manifests, units and configurations are a few KiB, a list of pods some hundred. */
const maxFileBytes = 4 * 1024 * 1024

/** @param root where its files are, which is `/` but for tests */
export function openHost(root = '/', env: Environment = process.env, name = hostname()): Host {
  const at = (path: string) => join(root, path)
  return {
    name,
    env,
    async read(path) {
      try {
        return await readBounded(at(path))
      } catch (error) {
        return { text: undefined, code: codeOf(error) }
      }
    },
    list: (path) => readdir(at(path)).then((names) => names.toSorted(), () => []), // prettier-ignore
    unreadable: (path) => access(at(path), constants.R_OK).then(() => undefined, codeOf), // prettier-ignore
    isFolder: (path) => stat(at(path)).then((found) => found.isDirectory(), () => false), // prettier-ignore
    link: (path) => readlink(at(path)).catch(() => undefined),
  }
}

async function readBounded(path: string): Promise<HostFile> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const found = await file.stat()
    if (found.isDirectory()) return { text: undefined, code: 'EISDIR' }
    if (!found.isFile()) return { text: undefined, code: 'EINVAL' }
    const pieces: Buffer[] = []
    // Files of /proc have no size.
    for (let length = 0; length <= maxFileBytes;) {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(64 * 1024), 0, 64 * 1024)
      if (bytesRead === 0) return { text: Buffer.concat(pieces).toString('utf8') }
      pieces.push(buffer.subarray(0, bytesRead))
      length += bytesRead
    }
    return { text: undefined, code: 'EFBIG' }
  } finally {
    await file.close()
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error)
}
