import { dirname } from 'node:path'
import type { FileSystem } from './file-system.ts'
import { hasCode } from './store-fault.ts'

/** Folders of one store that are known to survive a loss of power. */
export class DurableFolders {
  readonly #files: FileSystem
  readonly #root: string
  readonly #known = new Set<string>()
  /** Failed fsyncs by folder: how many there were, and how many when its names were last known to be durable. */
  readonly #failures = new Map<string, { seen: number; overcome: number }>()

  constructor(files: FileSystem, root: string) {
    this.#files = files
    this.#root = root
  }

  /**
   * Makes a folder within the root, and what is missing above it, with mode 0700. Once per process the names of all folders up to
   * the top are made durable even if they were there: another process may have made them and not have come to its fsync. It had
   * when an object lies in the root itself, as the marker of a repository does.
   */
  async make(path: string): Promise<void> {
    if (this.#known.has(path) || dirname(path) === path) return
    if (path !== this.#root || !(await this.#holdsObject())) {
      await this.make(dirname(path))
      await this.#makeFolder(path)
    }
    this.#known.add(path)
  }

  async #holdsObject(): Promise<boolean> {
    try {
      const entries = await this.#files.readdir(this.#root, () => true)
      return entries.some((entry) => !entry.isDirectory())
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return false
      throw error
    }
  }

  /** The folder was found missing after all. */
  forget(): void {
    this.#known.clear()
  }

  /** To be asked before a folder is changed, and handed to `sync` then. */
  failuresOf(folder: string): number {
    return this.#failures.get(folder)?.seen ?? 0
  }

  /**
   * Makes the names in a folder durable. An fsync after a failed one proves nothing, for the system may have forgotten what it
   * could not write, unless the folder was changed in between: then it is written anew.
   * @param changedAfter failures before the caller changed the folder; undefined when it did not
   */
  async sync(folder: string, changedAfter?: number): Promise<void> {
    const failures = this.#failures.get(folder) ?? { seen: 0, overcome: 0 }
    this.#failures.set(folder, failures)
    if ((changedAfter ?? failures.overcome) !== failures.seen)
      throw Object.assign(new Error(`an earlier fsync of ${folder} failed`), { code: 'EIO' })
    const handle = await this.#files.open(folder, 'r')
    try {
      await handle.sync()
      failures.overcome = Math.max(failures.overcome, changedAfter ?? 0)
    } catch (error) {
      failures.seen += 1
      throw error
    } finally {
      await handle.close()
    }
  }

  /** A folder whose name could not be made durable is taken back. */
  async #makeFolder(path: string): Promise<void> {
    const parent = dirname(path)
    const failures = this.failuresOf(parent)
    const made = await this.#mkdir(path)
    try {
      await this.sync(parent, made ? failures : undefined)
    } catch (error) {
      // Folders above the root may be closed to who owns the repository, or be of a kind that knows no fsync.
      if (!made && !parent.startsWith(this.#root) && hasCode(error, 'EACCES', 'EPERM', 'EINVAL', 'ENOTSUP')) return
      if (made) await this.#files.rmdir(path).catch(() => undefined) // Another process may have put something into it.
      throw error
    }
  }

  /** False when it was there. */
  async #mkdir(path: string): Promise<boolean> {
    try {
      // Some mounted folders refuse this differently from others when they are there.
      if (!path.startsWith(this.#root) && (await this.#files.stat(path)) !== undefined) return false
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error
    }
    try {
      await this.#files.mkdir(path, { mode: 0o700 })
      return true
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error
      return false
    }
  }
}
