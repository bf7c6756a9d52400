import { rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { dropFolder, ownFolder } from '../scripts/children.ts'
import { getEtcd } from '../scripts/etcd/get-etcd.ts'
import { restoreAndStart } from '../scripts/etcd/restore-etcd.ts'
import { loopbackEnv } from '../scripts/loopback-env.ts'
import { clusterOf, period, periodsPerHour } from './data/churn.ts'
import { drive } from './data/drive.ts'
import { generated, generatedMebibytes } from './data/series.ts'
import { type Run, runChild } from './measure/child.ts'
import { median, spread } from './measure/median.ts'
import { type BenchRepository, copyOf, newRepository } from './measure/repository.ts'
import { mebibytes, table } from './measure/table.ts'

/** Claim: a backup of a running etcd takes no longer than `etcdctl snapshot save` alone. */
const repeats = Number(process.env['KPIPE_BENCH_REPEATS'] ?? 7)
const [, , hour2] = (await generated()) as [string, string, string]
const folder = ownFolder('kpipe-bench-')
const binaries = await getEtcd({ version: '3.6', log: console.error })
const etcd = await restoreAndStart(binaries, hour2, { extraArgs: ['--unsafe-no-fsync'] })
const source = { use: 'etcd', with: { endpoints: [etcd.clientUrl] } }
const saved = join(folder, 'saved.db')

const empty = await newRepository(join(folder, 'empty'))
const filled = copyOf(empty, join(folder, 'filled'))
await filled.backUp(source)
const works: [title: string, run: () => Promise<Run & { grown?: number }>][] = [
  ['`etcdctl snapshot save`', save],
  ['`kpipe run`, first', () => backUp(empty)],
  ['`kpipe run`, unchanged', () => backUp(filled)],
]
const before = await measureAll(works)
await anHour()
const after = await measureAll([
  ['`etcdctl snapshot save`, an hour later', save],
  ['`kpipe run`, an hour later', () => backUp(filled)],
])

console.log('## A live etcd\n')
console.log(
  `One member of etcd ${binaries.version} on this machine, at rest, with a database of ${mebibytes(statSync(saved).size)} MiB; ${repeats} runs each in turn, from spawn to exit: the median, smallest and largest wall time. ` +
    'CPU is that of the command alone, not of etcd.\n',
)
console.log(table(['', 'wall s', 'from–to', 'CPU s', 'growth MiB'], [...before, ...after]))
await etcd.stop()
dropFolder(folder)

/** In turn, so that what else the machine does falls on all of them. */
async function measureAll(works: readonly [string, () => Promise<Run & { grown?: number }>][]): Promise<(string | number)[][]> {
  const runs = works.map((): (Run & { grown?: number })[] => [])
  for (let n = 0; n <= repeats; n++) {
    for (const [index, [, run]] of works.entries()) {
      const ended = await run()
      if (n > 0) runs[index]!.push(ended) // the first fills caches
    }
  }
  return works.map(([title], index) => {
    const seconds = runs[index]!.map((run) => run.seconds)
    const { grown } = runs[index]!.at(-1)!
    return [
      title,
      median(seconds).toFixed(3),
      spread(seconds, 3),
      median(runs[index]!.map((run) => run.cpuSeconds)).toFixed(2),
      grown === undefined ? '' : mebibytes(grown),
    ]
  })
}

async function save(): Promise<Run> {
  rmSync(saved, { force: true })
  return runChild(binaries.etcdctl, ['snapshot', 'save', saved, `--endpoints=${etcd.clientUrl}`], loopbackEnv())
}

async function backUp(from: BenchRepository): Promise<Run & { grown: number }> {
  const repository = copyOf(from, join(folder, 'work'))
  const bytesBefore = repository.bytes()
  const run = await repository.backUp(source)
  return { ...run, grown: repository.bytes() - bytesBefore }
}

async function anHour(): Promise<void> {
  const driver = drive(etcd.clientUrl)
  for (let n = 0; n < periodsPerHour; n++) await driver.apply(period(clusterOf(generatedMebibytes), 1_000 + n))
  driver.close()
}
