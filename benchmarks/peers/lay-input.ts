import { copyFileSync, linkSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'

/** Lays a snapshot where all tools look for it, and reads it once. A copy has other times and another inode than the file itself. */
export function layInput(snapshot: string, folder: string, how: 'link' | 'copy'): string {
  const input = join(folder, 'snapshot.db')
  mkdirSync(folder, { recursive: true })
  rmSync(input, { force: true })
  if (how === 'link') linkSync(snapshot, input)
  else copyFileSync(snapshot, input)
  readFileSync(input)
  return input
}
