import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { KpipeOptions } from './kpipe.ts'
import type { Place } from './place.ts'

const preload = pathToFileURL(join(import.meta.dirname, 'broken-disk.mjs')).href
/** Unfinished objects of a repository. */
export const drafts = '/repository/tmp/[0-9a-f]+$'

/**
 * Options that run kpipe on a disk where files of these paths, from the n-th that is opened, hang or cannot be written.
 * `times` tells how often the fault was met.
 */
export function brokenDisk(
  place: Place,
  fault: 'hang' | 'ENOSPC',
  { on, from }: { readonly on: string; readonly from: number },
): { readonly options: KpipeOptions; times(): number } {
  const notes = place.at('home', 'faults')
  const pipe = place.at('home', 'hang')
  if (fault === 'hang') execFileSync('mkfifo', [pipe])
  return {
    options: {
      nodeArguments: [`--import=${preload}`],
      env: {
        KPIPE_TEST_FAULT: fault === 'hang' ? pipe : fault,
        KPIPE_TEST_FAULT_ON: on,
        KPIPE_TEST_FAULT_FROM: String(from),
        KPIPE_TEST_FAULT_NOTES: notes,
      },
    },
    times: () => (existsSync(notes) ? readFileSync(notes, 'utf8').trimEnd().split('\n').length : 0),
  }
}

/** True when this folder is now a file system of 4 MiB; false where none may be mounted. */
export function onSmallDisk(t: { after(done: () => void): void }, folder: string): boolean {
  mkdirSync(folder)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m,mode=700', 'kpipe-test', folder], { stdio: 'ignore' })
  } catch {
    return false // not root, or a container that may not mount
  }
  t.after(() => execFileSync('umount', [folder]))
  return true
}
