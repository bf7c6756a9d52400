import { join } from 'node:path'
import type { Store, StoreStage } from '@kpipe/engine/contracts'
import { createFile } from './create-file.ts'
import { DurableFolders } from './durable-folder.ts'
import { systemFiles } from './file-system.ts'
import type { FileSystem } from './file-system.ts'
import { listObjects } from './list-objects.ts'
import { demandObjectName } from './object-name.ts'
import { readObject } from './read-file.ts'
import { hasCode, storeFault } from './store-fault.ts'

/**
 * Objects as files of a directory, which is made by the first `create`.
 * @param files another one than the system's, to try faults and losses of power
 */
export function directoryStore(path: string, files: FileSystem = systemFiles): Store {
  const guarded = async <Result>(operation: string, name: string, work: () => Promise<Result>): Promise<Result> => {
    try {
      return await work()
    } catch (cause) {
      throw storeFault(operation, name, join(path, name), cause)
    }
  }
  const folders = new DurableFolders(files, path)
  return {
    location: path,
    create: (name, parts) =>
      guarded('create', name, () => {
        demandObjectName(name, 'create')
        return createFile(files, path, folders, name, parts)
      }),
    read: (name, range) =>
      guarded('read', name, () => {
        demandObjectName(name, 'read')
        return readObject(files, path, name, range)
      }),
    async *list(prefix, after) {
      try {
        yield* listObjects(files, path, prefix, after)
      } catch (cause) {
        throw storeFault('list', prefix, join(path, prefix), cause)
      }
    },
    remove: (name) =>
      guarded('remove', name, async () => {
        demandObjectName(name, 'remove')
        await files.rm(join(path, name), { force: true }).catch((error: unknown) => {
          // A folder, or a file where a folder would be: the name is no object's.
          if (!hasCode(error, 'ERR_FS_EISDIR', 'EISDIR', 'ENOTDIR')) throw error
        })
      }),
  }
}

export default {
  kind: 'store',
  summary: 'keeps a repository in a directory',
  settings: {
    type: 'object',
    properties: {
      path: {
        type: 'string',
        description: 'Directory of the repository; made by kpipe init.',
        format: 'path',
        minLength: 1,
        examples: ['/var/backups/kpipe'],
      },
    },
    required: ['path'],
    additionalProperties: false,
  },
  open: async ({ path }) => ({ ...directoryStore(path), reserve: true }),
} satisfies StoreStage<{ path: string }>
