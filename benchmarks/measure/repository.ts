import { linkSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { bytesBelow } from './bytes-below.ts'
import type { Run } from './child.ts'
import { kpipe, kpipePeak } from './kpipe.ts'

/** A folder with a repository, its pipeline file, its key, and what kpipe remembers about it. */
export interface BenchRepository {
  readonly folder: string
  /** Runs kpipe with this repository as the one of `-c`. */
  kpipe(...args: readonly string[]): Promise<Run>
  /** Peak resident memory of the same, in bytes. */
  peak(...args: readonly string[]): Promise<number>
  /** One backup from this source: the `source` of a pipeline file. */
  backUp(source: object, ...flags: readonly string[]): Promise<Run>
  backUpPeak(source: object): Promise<number>
  /** All objects of the store, in bytes. */
  bytes(): number
}

export async function newRepository(folder: string): Promise<BenchRepository> {
  mkdirSync(folder, { recursive: true })
  const repository = repositoryIn(folder)
  writePipeline(folder, { use: 'file', with: { path: 'nothing' } })
  await repository.kpipe('init', '-c', pipelineIn(folder), '--no-recovery-phrase')
  return repository
}

/** A second one with the same content. Objects are written once, so that both may share them. */
export function copyOf({ folder: from }: BenchRepository, folder: string): BenchRepository {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const entry of readdirSync(from, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    const copy = join(folder, relative(from, path))
    if (entry.isDirectory()) mkdirSync(copy, { recursive: true })
    else linkSync(path, copy)
  }
  return repositoryIn(folder)
}

export const fileSource = (path: string): object => ({ use: 'file', with: { path } })

function repositoryIn(folder: string): BenchRepository {
  const pipeline = pipelineIn(folder)
  const env = { XDG_STATE_HOME: join(folder, 'state') }
  return {
    folder,
    kpipe: (...args) => kpipe(args, env),
    peak: (...args) => kpipePeak(args, env),
    backUp(source, ...flags) {
      writePipeline(folder, source)
      return kpipe(['run', pipeline, ...flags], env)
    },
    backUpPeak(source) {
      writePipeline(folder, source)
      return kpipePeak(['run', pipeline], env)
    },
    bytes: () => bytesBelow(join(folder, 'repository')),
  }
}

function pipelineIn(folder: string): string {
  return join(folder, 'backup.yaml')
}

/** JSON is YAML. */
function writePipeline(folder: string, source: object): void {
  const file = pipelineIn(folder)
  const store = { use: 'store-fs', with: { path: './repository' } }
  rmSync(file, { force: true }) // it may be shared with the repository that this is a copy of
  writeFileSync(file, JSON.stringify({ name: 'bench', source, store, key: { file: './repository.key' } }, undefined, 2))
}
