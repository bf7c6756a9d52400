import { join } from 'node:path'
import type { MemoryPlace } from './memory-place.ts'

const dayMs = 24 * 60 * 60 * 1000
const fileAgeMs = 30 * dayMs
const draftAgeMs = dayMs

/** Removes what nobody has written for long: of streams that are not backed up any more, of keys before a rotation, of processes that died. */
export async function removeAged({ folder, files }: MemoryPlace, now = Date.now()): Promise<void> {
  const names = await files.readdir(folder).catch(() => [])
  for (const name of names) {
    const age = allowedAge(name)
    if (age === undefined) continue
    const path = join(folder, name)
    try {
      if (now - (await files.stat(path)).mtimeMs > age) await files.rm(path, { force: true })
    } catch {
      // Another process may have removed it, and what cannot be removed is looked at again after the next backup.
    }
  }
}

/** Undefined for what is not of kpipe's making. */
function allowedAge(name: string): number | undefined {
  if (/^[0-9a-f]{32}$/.test(name)) return fileAgeMs
  return /^[0-9a-f]{32}\.[0-9a-f]{12}$/.test(name) ? draftAgeMs : undefined
}
