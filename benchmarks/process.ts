import { readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { dropFolder, ownFolder } from '../scripts/children.ts'
import { changedPages } from './data/changed-pages.ts'
import { generated } from './data/series.ts'
import type { Run } from './measure/child.ts'
import { keepFigures } from './measure/figures.ts'
import { fixedWork } from './measure/fixed-work.ts'
import { edition, isRelease, kpipe, kpipePeak } from './measure/kpipe.ts'
import { median, spread } from './measure/median.ts'
import { type BenchRepository, copyOf, fileSource, newRepository } from './measure/repository.ts'
import { mebibytes, percent, table } from './measure/table.ts'

/** Claim: to back up what an hour changed takes a fraction of a second, grows the repository by little, and stays within its memory. */
interface Case {
  readonly title: string
  /** Length of the stream. */
  readonly bytes?: number
  /** Makes anew what the run needs, and says how to run. */
  prepare(): { run(): Promise<Run>; peak(): Promise<number>; bytes?(): number; check?(): void }
}

const repeats = Number(process.env['KPIPE_BENCH_REPEATS'] ?? 7)
const [hour0, hour1] = (await generated()) as [string, string]
const folder = ownFolder('kpipe-bench-')
const work = join(folder, 'work')
const restored = join(folder, 'restored.db')
const changed = changedPages(readFileSync(hour0), readFileSync(hour1)).length
const empty = await newRepository(join(folder, 'empty'))
const filled = copyOf(empty, join(folder, 'filled'))
await filled.backUp(fileSource(hour0))

const cases: readonly Case[] = [
  backupCase('first', empty, hour0),
  backupCase('unchanged', filled, hour0),
  backupCase(`${percent(changed / statSync(hour1).size)} of the pages changed`, filled, hour1),
  {
    title: 'restore to a file',
    bytes: statSync(hour0).size,
    prepare() {
      rmSync(restored, { force: true })
      const args = ['restore', 'latest', '-c', join(filled.folder, 'backup.yaml'), '-to', restored]
      return { run: () => filled.kpipe(...args), peak: () => filled.peak(...args), check: sameAsHour0 }
    },
  },
  { title: '`kpipe --version`', prepare: () => ({ run: () => kpipe(['--version']), peak: () => kpipePeak(['--version']) }) },
]

const works: number[] = []
const rows = []
const kept: Record<string, readonly number[]> = {}
for (const { title, bytes, prepare } of cases) {
  await prepare().run() // fills the page cache and the cache of compiled code
  const runs: Run[] = []
  const ratios: number[] = []
  let grown: number | undefined
  for (let n = 0; n < repeats; n++) {
    works.push(await fixedWork(hour1))
    const prepared = prepare()
    const before = prepared.bytes?.()
    runs.push(await prepared.run())
    ratios.push(runs.at(-1)!.seconds / works.at(-1)!)
    prepared.check?.()
    if (before !== undefined) grown = prepared.bytes!() - before
  }
  const seconds = runs.map((run) => run.seconds)
  kept[title === '`kpipe --version`' ? 'version' : title] = seconds
  rows.push([
    title,
    bytes === undefined ? '' : mebibytes(bytes),
    median(seconds).toFixed(3),
    spread(seconds, 3),
    median(ratios).toFixed(2),
    median(runs.map((run) => run.cpuSeconds)).toFixed(2),
    mebibytes(await prepare().peak()),
    grown === undefined ? '' : mebibytes(grown),
  ])
}

console.log(`## kpipe as a process, ${edition}\n`)
console.log(
  `A file as source, a directory as store, the key from a key file, warm cache; ${repeats} runs each, from spawn to exit: the median, smallest and largest wall time; ` +
    `the CPU time of all threads; the peak resident memory of one more run. The ratio is to SHA-256, zstd 3 and AES-256-GCM of ${mebibytes(statSync(hour1).size)} MiB ` +
    `with node's own functions on all processors, done between the runs (median ${median(works).toFixed(3)} s, ${spread(works, 3)}). ` +
    `The changed pages are ${mebibytes(changed)} MiB.\n`,
)
console.log('Required: at 110 MiB with 15 % of the pages changed at most 0.40 s; peak memory of run and restore at most 160 MiB.\n')
console.log(table(['', 'MiB', 'wall s', 'from–to', 'ratio', 'CPU s', 'peak MiB', 'growth MiB'], rows))
dropFolder(folder)
keepFigures(isRelease ? 'process' : 'clone', kept)

function backupCase(title: string, from: BenchRepository, file: string): Case {
  const source = fileSource(file)
  return {
    title,
    bytes: statSync(file).size,
    prepare() {
      const repository = copyOf(from, work)
      return { run: () => repository.backUp(source), peak: () => repository.backUpPeak(source), bytes: () => repository.bytes() }
    },
  }
}

function sameAsHour0(): void {
  if (!readFileSync(restored).equals(readFileSync(hour0))) throw new Error('the restored file differs')
}
