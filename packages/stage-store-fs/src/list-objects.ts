import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { StoredObject } from '@kpipe/engine/contracts'
import { hasCode } from './store-fault.ts'

const statsAtOnce = 32

/** Objects whose names begin with `prefix` and come after `after`, in byte order of whole names. */
export async function* listObjects(root: string, prefix: string, after: string | undefined): AsyncGenerator<StoredObject> {
  const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1)
  yield* walk(root, folder, prefix, after)
}

async function* walk(root: string, folder: string, prefix: string, after: string | undefined): AsyncGenerator<StoredObject> {
  const entries = await readFolder(join(root, folder))
  // A folder sorts as its name with a slash behind it: `a/b` comes after `a-b`.
  const names = entries.map((entry) => folder + entry.name + (entry.isDirectory() ? '/' : '')).filter((name) => name !== 'tmp/')
  const wanted = names
    .filter((name) => (name.startsWith(prefix) || (name.endsWith('/') && prefix.startsWith(name))) && mayComeAfter(name, after))
    .toSorted(byBytes)
  for (let index = 0; index < wanted.length;) {
    if (wanted[index].endsWith('/')) {
      yield* walk(root, wanted[index++], prefix, after)
      continue
    }
    const files: string[] = []
    while (index < wanted.length && files.length < statsAtOnce && !wanted[index].endsWith('/')) files.push(wanted[index++])
    const sizes = await Promise.all(files.map((name) => sizeOf(join(root, name))))
    for (const [at, name] of files.entries()) {
      const bytes = sizes[at]
      if (bytes !== undefined) yield { name, bytes }
    }
  }
}

async function readFolder(path: string): Promise<{ name: string; isDirectory(): boolean }[]> {
  try {
    return await readdir(path, { withFileTypes: true })
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return []
    throw error
  }
}

/** Undefined when it was removed meanwhile, or is no file. */
async function sizeOf(path: string): Promise<number | undefined> {
  try {
    const { size } = await stat(path)
    return size
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}

function mayComeAfter(name: string, after: string | undefined): boolean {
  if (after === undefined) return true
  return name.endsWith('/') ? name > after || after.startsWith(name) : name > after
}

/** Names are ASCII: order of UTF-16 units is byte order. */
function byBytes(one: string, other: string): number {
  return one < other ? -1 : 1
}
