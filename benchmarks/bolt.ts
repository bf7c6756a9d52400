import { statSync } from 'node:fs'
import { join } from 'node:path'
import { filePages, hashKv, openBolt, statusOf, walk, writeBolt, type FilePages } from '@kpipe/bolt'
import { dropFolder, ownFolder } from '../scripts/children.ts'
import { makeDatabase } from './data/etcd-database.ts'
import { generated } from './data/series.ts'
import { keepFigures } from './measure/figures.ts'
import { median, spread } from './measure/median.ts'
import { edition } from './measure/kpipe.ts'
import { fileSource, newRepository } from './measure/repository.ts'
import { mebibytes, table } from './measure/table.ts'

export interface BoltFigures {
  /** Of 400 MB, at the speed of each walk. */
  readonly walkSeconds: readonly number[]
  /** `kpipe status` of a snapshot from a repository. */
  readonly statusSeconds: readonly number[]
}

/** Claim: a whole database is walked with all checks at 400 MB/s or more on one core, and the status of a snapshot in a repository takes less than a second. */
const repeats = Number(process.env['KPIPE_BENCH_REPEATS'] ?? 7)
const folder = ownFolder('kpipe-bench-')
const [, hour1] = (await generated()) as [string, string]
const small = join(folder, 'small.db')
await makeDatabase(small, { bytes: 108 * 2 ** 20, valueBytes: 100, rowsPerKey: 2 })

const ways: readonly (readonly [title: string, read: (pages: FilePages) => Promise<unknown>])[] = [
  ['walk, with all checks', walkAll],
  ['status', (pages) => statusOf(pages)],
  ['HashKV', async (pages) => hashKv(await openBolt(pages))],
  ['written anew, to nowhere', async (pages) => writeBolt(walk(await openBolt(pages)), pages.pageBytes, async () => {})],
]

const rows: (string | number)[][] = []
const walkSeconds: number[] = []
for (const [what, file] of [
  ['generated', hour1],
  ['small rows', small],
] as const) {
  const pages = await filePages(file)
  for (const [title, read] of ways) {
    const { walls, cpus } = await measured(pages, read)
    const [wall, cpu] = [median(walls), median(cpus)]
    const speed = (seconds: number) => (pages.bytes / 1e6 / seconds).toFixed(0)
    rows.push([`${title}, ${what}`, speed(wall), wall.toFixed(3), cpu.toFixed(3), speed(cpu)])
    if (read === walkAll) walkSeconds.push(...walls.map((seconds) => (seconds * 400e6) / pages.bytes))
  }
  await pages.close()
}

console.log('## Databases\n')
console.log(
  `Files in the page cache, read and checked on one thread: the ${mebibytes(statSync(hour1).size)} MiB of one generated snapshot, whose rows have some 4,000 bytes, and ` +
    `${mebibytes(statSync(small).size)} MiB of rows with values of 100 bytes; the median of ${repeats} runs after two to warm up. CPU is user and system, of all threads of the process.\n`,
)
console.log('Required: a walk at 400 MB/s or more on one core.\n')
console.log(table(['', 'MB/s', 'wall s', 'CPU s', 'MB per CPU second'], rows))

const repository = await newRepository(join(folder, 'repository'))
await repository.backUp(fileSource(hour1))
const status = ['status', 'latest', '-w', 'json', '-c', join(repository.folder, 'backup.yaml')]
await repository.kpipe(...status)
const runs = []
for (let n = 0; n < repeats; n++) runs.push(await repository.kpipe(...status))
const seconds = runs.map((run) => run.seconds)
const cpu = median(runs.map((run) => run.cpuSeconds)).toFixed(2)
console.log(
  `\n\`kpipe status\` of the same snapshot from a repository (${edition}), required below 1 s: ${median(seconds).toFixed(3)} s (${spread(seconds, 3)}), ` +
    `${cpu} s of CPU, peak ${mebibytes(await repository.peak(...status))} MiB.`,
)
keepFigures('bolt', { walkSeconds, statusSeconds: seconds } satisfies BoltFigures)
dropFolder(folder)

async function walkAll(pages: FilePages): Promise<void> {
  for await (const { key } of walk(await openBolt(pages))) if (key.length === 0) throw new Error('a key is empty')
}

async function measured(pages: FilePages, read: (pages: FilePages) => Promise<unknown>): Promise<{ walls: number[]; cpus: number[] }> {
  const [walls, cpus]: [number[], number[]] = [[], []]
  for (let n = -2; n < repeats; n++) {
    const before = process.cpuUsage()
    const began = performance.now()
    await read(pages)
    const wall = (performance.now() - began) / 1000
    const { user, system } = process.cpuUsage(before)
    if (n < 0) continue
    walls.push(wall)
    cpus.push((user + system) / 1e6)
  }
  return { walls, cpus }
}
