import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { LoadedStage } from '@kpipe/engine'
import type { StoreStage } from '@kpipe/engine/contracts'

/** Bytes that this user may still write where a directory store is, or will be; undefined for other stores. */
export async function freeBytes({ package: name, settings }: LoadedStage<StoreStage>): Promise<number | undefined> {
  const path = settings['path']
  if (name !== '@kpipe/stage-store-fs' || typeof path !== 'string') return undefined
  for (let folder = path; ; folder = dirname(folder)) {
    try {
      const { bavail, bsize } = await statfs(folder)
      return bavail * bsize
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || folder === dirname(folder)) return undefined
    }
  }
}
