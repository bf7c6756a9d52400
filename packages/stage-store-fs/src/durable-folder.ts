import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { hasCode } from './store-fault.ts'

/** Folders of one store that are known to survive a loss of power. */
export class DurableFolders {
  readonly #root: string
  readonly #known = new Set<string>()

  constructor(root: string) {
    this.#root = root
  }

  /**
   * Makes a folder within the root, and what is missing above it, with mode 0700. Once per process each folder's name is made
   * durable even if it was there: another process may have made it just now and not have come to its fsync.
   */
  async make(path: string): Promise<void> {
    if (this.#known.has(path)) return
    const parent = dirname(path)
    if (path !== this.#root) await this.make(parent)
    const made = await makeFolder(path)
    if (made || path !== this.#root) await syncFolder(parent)
    this.#known.add(path)
  }

  /** The folder was found missing after all. */
  forget(): void {
    this.#known.clear()
  }
}

/** False when it was there. Folders above it that are missing are made, each durable in the one above it. */
async function makeFolder(path: string): Promise<boolean> {
  try {
    await mkdir(path, { mode: 0o700 })
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    if (!hasCode(error, 'ENOENT') || dirname(path) === path) throw error
    if (await makeFolder(dirname(path))) await syncFolder(dirname(dirname(path)))
    return makeFolder(path)
  }
}

/** Makes the names in a folder durable. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
