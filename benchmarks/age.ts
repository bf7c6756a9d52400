import { readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { dropFolder, ownFolder } from '../scripts/children.ts'
import { hourlyHistory } from './age/hourly-history.ts'
import { type Written, writeHistory } from './age/write-history.ts'
import { generated } from './data/series.ts'
import type { Run } from './measure/child.ts'
import { edition } from './measure/kpipe.ts'
import { median, spread } from './measure/median.ts'
import { type BenchRepository, fileSource, newRepository } from './measure/repository.ts'
import { mebibytes, table } from './measure/table.ts'

/** Claim: a repository does not get slower with age, and its log stays small. */
const repeats = Number(process.env['KPIPE_BENCH_REPEATS'] ?? 7)
const [database] = (await generated()) as [string]
const folder = ownFolder('kpipe-bench-')
const policy = { hourly: 24, daily: 7 }
const hoursUsed = 40
const [entries, snapshots] = [100_000, 10_000]

const young = await newRepository(join(folder, 'young'))
const aged = await newRepository(join(folder, 'aged'))
const history = await writeHistory(aged, hourlyHistory({ policy, hoursUsed }), entries)
const full = await newRepository(join(folder, 'full'))
const kept = await writeHistory(full, hourlyHistory({ hoursUsed }), 2 * snapshots)
// The first backup reads the log from entry 0 and leaves a checkpoint.
const firstRuns = []
for (const repository of [young, aged, full]) firstRuns.push(await repository.backUp(fileSource(database)))

const rows: (string | number)[][] = []
const list = (...flags: readonly string[]) => ({
  run: (repository: BenchRepository) => repository.kpipe('snapshots', '-c', pipeline(repository), ...flags),
  peak: (repository: BenchRepository) => repository.peak('snapshots', '-c', pipeline(repository), ...flags),
})
const backUp = {
  run: (repository: BenchRepository) => repository.backUp(fileSource(database)),
  peak: (repository: BenchRepository) => repository.backUpPeak(fileSource(database)),
}
await compare('`kpipe snapshots`', list(), aged, '< 0.5 s, < 150 MiB')
await compare('`kpipe run`, nothing changed', backUp, aged, 'as young')
await compare(`\`kpipe snapshots\` of ${snapshots}`, list(), full, '< 1 s')
await compare(`\`kpipe snapshots --json\` of ${snapshots}`, list('--json'), full, '< 1 s')
await compare(`\`kpipe run\` beside ${snapshots}`, backUp, full, '')
const checkpoint = checkpointBytes(aged)
const fullCheckpoint = checkpointBytes(full)
rmSync(join(aged.folder, 'repository/checkpoint'), { recursive: true })
rmSync(join(aged.folder, 'state'), { recursive: true })
await compare('`kpipe snapshots` without checkpoint and memory', list(), aged, '', 1)

console.log(`## Age, ${edition}\n`)
console.log(
  `Logs written entry by entry as kpipe seals them: of ${entries} entries, hourly runs (OPEN, SNAPSHOT, FORGET) with "keep 24 hourly, 7 daily" and a collection every week; ` +
    `and of ${snapshots} runs that all are kept. Each snapshot uses the packs of ${hoursUsed} hours. Then a real backup of ${mebibytes(statSync(database).size)} MiB, and what is measured, in turns with the same ` +
    `in a young repository: ${repeats} runs each, medians; the ratio is that of runs next to each other.\n`,
)
const head = ['', 'wall s', 'from–to', 'CPU s', 'peak MiB', 'young: wall s', 'CPU s', 'peak MiB', 'wall ratio', 'CPU ratio', 'required']
console.log(table(head, rows))
const sizes: (string | number)[][] = [
  [
    `log of ${snapshots} runs with retention`,
    mebibytes(logBytes(history)),
    mebibytes(2 * checkpoint),
    mebibytes(logBytes(history) + 2 * checkpoint),
    '< 50',
  ],
  [
    `log of ${snapshots} runs, all kept`,
    mebibytes(logBytes(kept)),
    mebibytes(2 * fullCheckpoint),
    mebibytes(logBytes(kept) + 2 * fullCheckpoint),
    '',
  ],
]
console.log(`\n${table(['MiB', 'entries', 'two checkpoints', 'together', 'required'], sizes)}`)
const [, slow, slowest] = firstRuns
console.log(
  `\nThe first backup after ${entries} entries without a checkpoint took ${slow!.seconds.toFixed(1)} s (${slow!.cpuSeconds.toFixed(1)} s of CPU), ` +
    `after ${2 * snapshots} with ${snapshots} snapshots ${slowest!.seconds.toFixed(1)} s.`,
)
dropFolder(folder)

interface Measured {
  run(repository: BenchRepository): Promise<Run>
  peak(repository: BenchRepository): Promise<number>
}

async function compare(title: string, { run, peak }: Measured, old: BenchRepository, required: string, times = repeats): Promise<void> {
  await run(young)
  const pairs: { readonly old: Run; readonly young: Run }[] = []
  for (let n = 0; n < times; n++) pairs.push({ young: await run(young), old: await run(old) })
  const of = (which: 'old' | 'young', what: 'seconds' | 'cpuSeconds'): number[] => pairs.map((pair) => pair[which][what])
  const ratio = (what: 'seconds' | 'cpuSeconds'): string => median(pairs.map((pair) => pair.old[what] / pair.young[what])).toFixed(2)
  rows.push([
    title,
    median(of('old', 'seconds')).toFixed(3),
    spread(of('old', 'seconds'), 3),
    median(of('old', 'cpuSeconds')).toFixed(2),
    mebibytes(await peak(old)),
    median(of('young', 'seconds')).toFixed(3),
    median(of('young', 'cpuSeconds')).toFixed(2),
    mebibytes(await peak(young)),
    ratio('seconds'),
    ratio('cpuSeconds'),
    required,
  ])
}

function pipeline({ folder: of }: BenchRepository): string {
  return join(of, 'backup.yaml')
}

/** Of the entries up to the last run that counts. */
function logBytes(written: readonly Written[]): number {
  let runs = 0
  const last = written.findIndex(({ kind }) => kind === 'SNAPSHOT' && ++runs === snapshots)
  return written.slice(0, last + 1).reduce((sum, { bytes }) => sum + bytes, 0)
}

function checkpointBytes({ folder: of }: BenchRepository): number {
  const path = join(of, 'repository/checkpoint')
  return Math.max(...readdirSync(path).map((name) => statSync(join(path, name)).size))
}
