import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Made } from './histories.ts'

/** A repository that is kept in git, as kpipe made it once. */
export interface Golden extends Made {
  readonly name: string
  /** Has `repository` and the files of the secrets. Not to be written to. */
  readonly folder: string
  /** Draft of the format that it was made in. */
  readonly draft: number
}

export function goldens(): Golden[] {
  return readdirSync(import.meta.dirname, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => {
      const folder = join(import.meta.dirname, name)
      return { name, folder, ...(JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as Made & { draft: number }) }
    })
}
