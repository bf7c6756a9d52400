import { join } from 'node:path'
import type { StoredObject } from '@kpipe/engine/contracts'
import type { FileSystem, FolderEntry } from './file-system.ts'
import { hasCode } from './store-fault.ts'

const statsAtOnce = 32

/** Objects whose names begin with `prefix` and come after `after`, in byte order of whole names. */
export async function* listObjects(
  files: FileSystem,
  root: string,
  prefix: string,
  after: string | undefined,
): AsyncGenerator<StoredObject> {
  const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1)
  yield* walk(files, root, folder, prefix, after)
}

async function* walk(
  files: FileSystem,
  root: string,
  folder: string,
  prefix: string,
  after: string | undefined,
): AsyncGenerator<StoredObject> {
  // A name that comes before, and is not the begin of it, has nothing in it that comes after.
  const rest = after?.startsWith(folder) === true ? after.slice(folder.length) : ''
  const entries = await readEntries(files, join(root, folder), (name) => name > rest || rest.startsWith(name))
  // A folder sorts as its name with a slash behind it: `a/b` comes after `a-b`.
  const names = entries.map((entry) => folder + entry.name + (entry.isDirectory() ? '/' : '')).filter((name) => name !== 'tmp/')
  const wanted = names
    .filter((name) => (name.startsWith(prefix) || (name.endsWith('/') && prefix.startsWith(name))) && mayComeAfter(name, after))
    .toSorted(byBytes)
  for (let index = 0; index < wanted.length;) {
    if (wanted[index].endsWith('/')) {
      yield* walk(files, root, wanted[index++], prefix, after)
      continue
    }
    const objects: string[] = []
    while (index < wanted.length && objects.length < statsAtOnce && !wanted[index].endsWith('/')) objects.push(wanted[index++])
    const sizes = await Promise.all(objects.map((name) => sizeOf(files, join(root, name))))
    for (const [at, name] of objects.entries()) {
      const bytes = sizes[at]
      if (bytes !== undefined) yield { name, bytes }
    }
  }
}

async function readEntries(files: FileSystem, path: string, wanted: (name: string) => boolean): Promise<readonly FolderEntry[]> {
  try {
    return await files.readdir(path, wanted)
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return []
    throw error
  }
}

/** Undefined when it was removed meanwhile, or is no file. */
async function sizeOf(files: FileSystem, path: string): Promise<number | undefined> {
  try {
    const { size } = await files.stat(path)
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
