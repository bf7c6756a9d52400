import { copyFileSync, mkdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { dropFolder, ownFolder } from '../scripts/children.ts'
import { benchFolder } from './data/series.ts'
import type { Run } from './measure/child.ts'
import { keepFigures } from './measure/figures.ts'
import { edition } from './measure/kpipe.ts'
import { median, spread } from './measure/median.ts'
import { type BenchRepository, copyOf, fileSource, newRepository } from './measure/repository.ts'
import { mebibytes, table } from './measure/table.ts'
import { historyBuilder } from './scale/history-builder.ts'
import { passHour, writeStamped } from './scale/stamped-database.ts'
import { hourlyShare, stampedFiles } from './scale/stamped-files.ts'

/** Claim: what a repository does depends little on how many snapshots it holds, and a late snapshot is restored as fast as a lonely one. */
export interface HistoryFigures {
  readonly counts: readonly { readonly snapshots: number; readonly seconds: Readonly<Record<string, readonly number[]>> }[]
  readonly aged: {
    readonly hours: number
    readonly bytes: number
    readonly stored: number
    readonly late: readonly number[]
    readonly fresh: readonly number[]
  }
}

const repeats = Number(process.env['KPIPE_BENCH_REPEATS'] ?? 5)
const counts = (process.env['KPIPE_BENCH_COUNTS'] ?? '10,1000,10000').split(',').map(Number)
const hours = Number(process.env['KPIPE_BENCH_HOURS'] ?? 500)
const agedMebibytes = Number(process.env['KPIPE_BENCH_AGED_MIB'] ?? 110)
const smallBytes = 2 * 2 ** 20
const begin = Date.UTC(2026, 0, 1)
const hourMs = 3_600_000
mkdirSync(benchFolder, { recursive: true })

const rows: string[][] = []
const figures: HistoryFigures['counts'][number][] = []
for (const count of counts) await measureCount(count)
const aged = await measureAged()
keepFigures('history', { counts: figures, aged } satisfies HistoryFigures)

console.log(`## Many snapshots, ${edition}\n`)
console.log(
  `Hourly backups of a database of ${mebibytes(smallBytes)} MiB of which 15 % of the pages change in an hour, made one after the other; then each command on it, ${repeats} runs each after one that fills caches, from spawn to exit, beside a key file. ` +
    'Prune and forget are run once, each on a copy: `forget --keep-hourly 24 --keep-daily 7`, then `prune`.\n',
)
console.log(table(['snapshots', 'command', 'wall s', 'from–to', 'CPU s', 'peak MiB'], rows))
console.log(
  `\nA database of ${agedMebibytes} MiB, of which 15 % of the pages change in an hour, others each time, was backed up ${hours} times, an hour apart, each time with \`forget --keep-hourly 24 --keep-daily 7 --prune\` after it, as a pipeline file's \`retention\` does it (what it condemned was swept once a simulated day): the repository holds ${mebibytes(aged.stored)} MiB. The restore of the last snapshot took ` +
    `${median(aged.late).toFixed(3)} s (${spread(aged.late, 3)}), that of the same bytes out of a repository with nothing else ${median(aged.fresh).toFixed(3)} s (${spread(aged.fresh, 3)}): ` +
    `${(median(aged.late) / median(aged.fresh)).toFixed(2)} times as long.`,
)

async function measureCount(count: number): Promise<void> {
  const folder = ownFolder('.history-', benchFolder)
  const file = join(folder, 'snapshot.db')
  await writeStamped(file, smallBytes)
  const repository = await newRepository(join(folder, 'repository'))
  const began = performance.now()
  await makeHistory(repository, file, count)
  console.error(`${count} snapshots made in ${((performance.now() - began) / 1000).toFixed(0)} s`)
  await passHour(file, count, hourlyShare)

  const work = join(folder, 'work')
  const restored = join(folder, 'restored.db')
  const onCopy = (...args: readonly string[]) => ({
    run: () => withConfig(copyOf(repository, work), args).run(),
    peak: () => withConfig(copyOf(repository, work), args).peak(),
  })
  const restoring = ['restore', 'latest', '-to', restored]
  const anew = () => rmSync(restored, { force: true })
  const seconds: Record<string, number[]> = {}
  const measure = async (title: string, work: { run(): Promise<Run>; peak(): Promise<number> }, times = repeats): Promise<void> => {
    const runs: Run[] = []
    if (times > 1) await work.run()
    for (let n = 0; n < times; n++) runs.push(await work.run())
    seconds[title] = runs.map((run) => run.seconds)
    const cpu = median(runs.map((run) => run.cpuSeconds)).toFixed(2)
    rows.push([
      String(count),
      `\`${title}\``,
      median(seconds[title]).toFixed(3),
      spread(seconds[title], 3),
      cpu,
      mebibytes(await work.peak()),
    ])
  }
  await measure('kpipe snapshots --json', withConfig(repository, ['snapshots', '--json']))
  await measure('kpipe status latest', withConfig(repository, ['status', 'latest']))
  await measure('kpipe run', {
    run: () => copyOf(repository, work).backUp(fileSource(file)),
    peak: () => copyOf(repository, work).backUpPeak(fileSource(file)),
  })
  await measure('kpipe restore latest', {
    run: async () => (anew(), withConfig(repository, restoring).run()),
    peak: async () => (anew(), withConfig(repository, restoring).peak()),
  })
  const rules = ['--keep-hourly', '24', '--keep-daily', '7', '--force', '--apply']
  await measure('kpipe forget', onCopy('forget', ...rules), 1)
  await withConfig(repository, ['forget', ...rules]).run()
  await measure('kpipe prune', onCopy('prune', '--apply'), 1)
  figures.push({ snapshots: count, seconds })
  dropFolder(folder)
}

/** Restores of the last of many hours beside those of the same bytes alone, in turns. */
async function measureAged(): Promise<HistoryFigures['aged']> {
  const folder = ownFolder('.history-', benchFolder)
  const file = join(folder, 'snapshot.db')
  copyFileSync((await stampedFiles(agedMebibytes))[0], file)
  const old = await newRepository(join(folder, 'old'))
  const builder = await historyBuilder(old)
  const began = performance.now()
  await builder.open()
  for (let hour = 0; hour < hours; hour++) {
    if (hour > 0) await passHour(file, hour, hourlyShare)
    await builder.backUp(file, new Date(begin + hour * hourMs))
    await withConfig(old, ['forget', '--keep-hourly', '24', '--keep-daily', '7', '--prune', '--apply']).run()
    // The hours are not waited for, after which condemned packs go.
    if (hour % 24 === 23 || hour === hours - 1) await withConfig(old, ['prune', '--sweep-delay', '0s', '--apply']).run()
    await builder.open()
  }
  await builder.close()
  const stored = old.bytes()
  console.error(`${hours} hours made in ${((performance.now() - began) / 1000).toFixed(0)} s`)
  const young = await newRepository(join(folder, 'young'))
  await young.backUp(fileSource(file))

  const restored = join(folder, 'restored.db')
  const restore = async (repository: BenchRepository): Promise<number> => {
    rmSync(restored, { force: true })
    const { seconds } = await withConfig(repository, ['restore', 'latest', '-to', restored]).run()
    if (statSync(restored).size !== statSync(file).size) throw new Error('the restored file differs')
    return seconds
  }
  const [late, fresh]: [number[], number[]] = [[], []]
  for (let n = 0; n <= repeats; n++) {
    const pair = [await restore(old), await restore(young)] as const
    if (n === 0) continue // fills caches
    late.push(pair[0])
    fresh.push(pair[1])
  }
  const { size: bytes } = statSync(file)
  dropFolder(folder)
  return { hours, bytes, stored, late, fresh }
}

async function makeHistory(repository: BenchRepository, file: string, count: number): Promise<void> {
  const builder = await historyBuilder(repository)
  await builder.open()
  for (let hour = 0; hour < count; hour++) {
    if (hour > 0) await passHour(file, hour, hourlyShare)
    await builder.backUp(file, new Date(begin + hour * hourMs))
  }
  await builder.close()
}

function withConfig(repository: BenchRepository, [command, ...args]: readonly string[]): { run(): Promise<Run>; peak(): Promise<number> } {
  const words = [command!, '-c', join(repository.folder, 'backup.yaml'), ...args]
  return { run: () => repository.kpipe(...words), peak: () => repository.peak(...words) }
}
