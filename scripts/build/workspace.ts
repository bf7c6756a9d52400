import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export const clone = join(import.meta.dirname, '../..')

/** What a package.json says, as far as building needs it. */
export interface Manifest {
  readonly name: string
  readonly version: string
  readonly exports: unknown
  readonly files: readonly string[]
  readonly dependencies?: Readonly<Record<string, string>>
}

export interface WorkspacePackage {
  /** Such as `packages/engine`. */
  readonly folder: string
  readonly manifest: Manifest
}

/** All packages that are published. */
export function workspacePackages(): WorkspacePackage[] {
  return ['packages', 'plugins'].flatMap((room) =>
    readdirSync(join(clone, room))
      .map((name) => `${room}/${name}`)
      .filter((folder) => existsSync(join(clone, folder, 'package.json')))
      .map((folder) => ({ folder, manifest: JSON.parse(readFileSync(join(clone, folder, 'package.json'), 'utf8')) as Manifest })),
  )
}
