import { statSync } from 'node:fs'
import { join } from 'node:path'
import { makeDatabase, type DatabaseShape, type MadeDatabase } from '../../benchmarks/data/etcd-database.ts'
import { dropFolder, ownFolder } from '../../scripts/children.ts'
import { runTool } from '../../scripts/etcd/run-tool.ts'
import type { Suite, Trial } from '../../packages/repository/torture/suite.ts'
import { memoryBounds } from '../../test/support/memory-bounds.ts'
import { nodes } from '../../test/support/kpipe.ts'
import { peakMemory } from '../../test/support/peak-memory.ts'
import { place } from '../../test/support/place.ts'

const gibibytes = 8
const shapes: readonly (readonly [what: string, shape: Omit<DatabaseShape, 'bytes'>])[] = [
  ['objects of Kubernetes', { valueBytes: 1900, rowsPerKey: 1.3 }],
  ['small rows', { valueBytes: 100, rowsPerKey: 2 }],
]
/** What ARCHITECTURE.md states, in bytes a row and a user key; and a process that does nothing else. */
const ownMiB = 135
const writerMiB = 60
const ways = { walk: [0, 0], status: [30, 40], HashKV: [0, 50], write: [0, 0] } as const
const kinds = Object.keys(ways).flatMap((way) => shapes.map(([what]) => `${way}, ${what}, peak MiB`))

/** Databases of many GiB, read and written within the stated memory. */
export const largeDatabaseSuite: Suite = {
  name: 'large-database',
  kinds: [...kinds, 'restore to a data directory, peak MiB'],
  async run(trial) {
    const bytes = Math.max(1, gibibytes * trial.share) * 2 ** 30
    const folder = ownFolder('kpipe-large-')
    try {
      for (const [index, [what, shape]] of shapes.entries()) {
        const file = join(folder, 'db')
        const made = await makeDatabase(file, { bytes, ...shape })
        await readInAllWays(trial, file, what, made, made.rows / shape.rowsPerKey, 10 * index)
        if (index === 0) await restoreDataDir(trial, file)
      }
    } finally {
      dropFolder(folder)
    }
  },
}

async function readInAllWays(
  trial: Trial,
  file: string,
  what: string,
  { rows }: MadeDatabase,
  keys: number,
  number: number,
): Promise<void> {
  for (const [index, [way, [aRow, aKey]]] of Object.entries(ways).entries()) {
    const script = join(import.meta.dirname, '../read-database.ts')
    const args = ['-u', 'NODE_OPTIONS', nodes[26], '--max-semi-space-size=2', '--conditions=kpipe-source', script, way, file]
    const peak = Number(await runTool('env', args))
    const bound = ownMiB + (way === 'write' ? writerMiB : 0) + (aRow * rows + aKey * keys) / 2 ** 20
    trial.done()
    trial.count(`${way}, ${what}, peak MiB`, Math.round(peak))
    if (!(peak <= bound)) trial.fail(number + index, `${way}, ${what}: ${peak.toFixed()} MiB, bound ${bound.toFixed()} MiB`)
  }
}

async function restoreDataDir(trial: Trial, file: string): Promise<void> {
  const cleanings: (() => void)[] = []
  try {
    const at = await place({ after: (done) => void cleanings.push(done) }, `{ use: file, with: { path: '${file}' } }`)
    const run = await at.kpipe(['run', '-q'])
    if (run.code !== 0) return trial.fail(9, `run ended with ${run.code}: ${run.stderr}`)
    const peak = peakMemory(at)
    const args = ['restore', 'latest', '--data-dir', 'data', '--no-bump', '--skip-hash-check']
    const restored = await at.kpipe(args, peak.options)
    trial.done()
    if (restored.code !== 0) return trial.fail(9, `restore ended with ${restored.code}: ${restored.stderr}`)
    trial.count('restore to a data directory, peak MiB', Math.round(peak.mebibytes()))
    const bound = memoryBounds(statSync(file).size, 4096).restoreInOrder
    if (peak.mebibytes() > bound)
      trial.fail(9, `restore to a data directory: ${peak.mebibytes().toFixed()} MiB, bound ${bound.toFixed()} MiB`)
  } finally {
    for (const clean of cleanings) clean()
  }
}
