import { createHash } from 'node:crypto'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Run } from './child.ts'
import { kpipe } from './kpipe.ts'
import { copyOf, fileSource, newRepository } from './repository.ts'

/** Something that kpipe does as a process, as often as one likes. */
export interface KpipeCase {
  readonly name: 'first' | 'unchanged' | 'later' | 'restore' | 'version'
  run(): Promise<Run>
  /** Peak resident memory in bytes. */
  peak?(): Promise<number>
  /** What the last run added to the repository, in bytes. */
  grown?(): number
}

/** Backups of `hour0` into nothing and onto itself, of `hour1` onto that, and a restore of `hour0`. @param folder one that the caller removes */
export async function kpipeCases(folder: string, hour0: string, hour1: string): Promise<readonly KpipeCase[]> {
  const empty = await newRepository(join(folder, 'empty'))
  const filled = copyOf(empty, join(folder, 'filled'))
  await filled.backUp(fileSource(hour0))
  const restored = join(folder, 'restored.db')
  const restoring = ['restore', 'latest', '-c', join(filled.folder, 'backup.yaml'), '-to', restored]
  const backUp = (name: KpipeCase['name'], from: typeof empty, file: string): KpipeCase => {
    let grown = 0
    const anew = () => copyOf(from, join(folder, 'work'))
    return {
      name,
      async run() {
        const repository = anew()
        const run = await repository.backUp(fileSource(file))
        grown = repository.bytes() - from.bytes()
        return run
      },
      peak: () => anew().backUpPeak(fileSource(file)),
      grown: () => grown,
    }
  }
  return [
    backUp('first', empty, hour0),
    backUp('unchanged', filled, hour0),
    backUp('later', filled, hour1),
    {
      name: 'restore',
      async run() {
        rmSync(restored, { force: true })
        const run = await filled.kpipe(...restoring)
        if (digestOf(restored) !== digestOf(hour0)) throw new Error('the restored file differs')
        return run
      },
      async peak() {
        rmSync(restored, { force: true })
        return await filled.peak(...restoring)
      },
    },
    { name: 'version', run: () => kpipe(['--version']) },
  ]
}

function digestOf(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex')
}
