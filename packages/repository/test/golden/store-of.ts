import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { memoryStore } from '@kpipe/engine/testing'
import type { MemoryStore } from '@kpipe/engine/testing'

/** The objects of a repository in a folder, as they are now. */
export async function storeOf(folder: string): Promise<MemoryStore> {
  const store = memoryStore()
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isFile()) await store.create(relative(folder, path), [await readFile(path)])
  }
  return store
}

/** Puts into the folder what it does not have. */
export async function writeNew(store: MemoryStore, folder: string): Promise<void> {
  const there = await storeOf(folder)
  for (const [name, bytes] of store.objects) {
    if (there.objects.has(name)) continue
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), bytes)
  }
}
