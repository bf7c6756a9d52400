import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/** Paths of all files and folders below a folder. */
export function allUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name))
}
