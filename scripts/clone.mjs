// Plain JavaScript: runs on the machine's own Node, which may be 20, before anything is installed.
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The clone's root folder. */
export const clone = join(dirname(fileURLToPath(import.meta.url)), '..')

/** Folder of the programs that `npm ci` brought. */
export const bin = join(clone, 'node_modules/.bin')

/** The Node that npm brought, or this one where it is new enough. Throws one sentence when there is neither. */
export function newNode() {
  const bundled = join(bin, 'node')
  if (existsSync(bundled)) return bundled
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath
  throw new Error(`kpipe needs Node 24 or later: this is ${process.version}, and npm has none for ${process.platform} on ${process.arch}`)
}
