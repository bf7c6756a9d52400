import { createHash } from 'node:crypto'
import { createReadStream, mkdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { dropFolder, ownFolder } from '../scripts/children.ts'
import { benchFolder } from './data/series.ts'
import type { Run } from './measure/child.ts'
import { keepFigures } from './measure/figures.ts'
import { edition } from './measure/kpipe.ts'
import { median } from './measure/median.ts'
import { copyOf, fileSource, newRepository } from './measure/repository.ts'
import { mebibytes, percent, table } from './measure/table.ts'
import { passHour, writeStamped } from './scale/stamped-database.ts'
import { hourlyShare } from './scale/stamped-files.ts'

/** Claim: a byte of a large database takes no longer than one of a small one, and memory hardly grows. */
export interface ScaleFigures {
  readonly sizes: readonly {
    readonly bytes: number
    /** Share of the pages that changed. */
    readonly changed: number
    readonly first: readonly number[]
    readonly later: readonly number[]
    readonly restore: readonly number[]
    readonly peakBytes: { readonly first: number; readonly later: number; readonly restore: number }
    /** Of what the later backup added: what is not frames, which is recipes, directories, log and padding. */
    readonly stored: number
    readonly beside: number
  }[]
}

const gibibytes = (process.env['KPIPE_BENCH_GIB'] ?? '0.1,0.4,2,8').split(',').map(Number)
mkdirSync(benchFolder, { recursive: true })
const sizes: ScaleFigures['sizes'][number][] = []
for (const size of gibibytes) sizes.push(await measureSize(size * 2 ** 30))
keepFigures('scale', { sizes } satisfies ScaleFigures)

console.log(`## Scale, ${edition}\n`)
console.log(
  `Databases that kpipe's own writer makes of objects like those of a Kubernetes cluster, on which nothing but the size differs; the file is in the page cache as far as memory allows. ` +
    `Of a size below 1 GiB the median of 5 runs, of others of 3, from spawn to exit. Restores write to the same disk and wait for it.\n`,
)
const rows = sizes.map(({ bytes, changed, first, later, restore, peakBytes, stored, beside }) => [
  (bytes / 2 ** 30).toFixed(2),
  percent(changed),
  ...[first, later, restore].flatMap((seconds) => [median(seconds).toFixed(2), ((median(seconds) * 1e9) / bytes).toFixed(2)]),
  mebibytes(peakBytes.first),
  mebibytes(peakBytes.later),
  mebibytes(peakBytes.restore),
  mebibytes(stored),
  percent(beside / stored),
])
const head = ['GiB', 'changed', 'first s', 'ns/byte', 'later s', 'ns/byte', 'restore s', 'ns/byte']
console.log(table([...head, 'peak MiB: first', 'later', 'restore', 'growth MiB', 'metadata'], rows))

async function measureSize(bytes: number): Promise<ScaleFigures['sizes'][number]> {
  console.error(`${(bytes / 2 ** 30).toFixed(2)} GiB`)
  const repeats = bytes < 2 ** 30 ? 5 : 3
  const folder = ownFolder('.scale-', benchFolder)
  const file = join(folder, 'snapshot.db')
  const source = fileSource(file)
  await writeStamped(file, bytes)
  const empty = await newRepository(join(folder, 'empty'))
  const work = join(folder, 'work')
  const first = await seconds(repeats, () => copyOf(empty, work).backUp(source))
  const peakFirst = await copyOf(empty, work).backUpPeak(source)
  const filled = copyOf(empty, join(folder, 'filled'))
  await filled.backUp(source)
  const changed = (await passHour(file, 1, hourlyShare)) / statSync(file).size

  const later = await seconds(repeats, () => copyOf(filled, work).backUp(source))
  const peakLater = await copyOf(filled, work).backUpPeak(source)
  const before = filled.bytes()
  const { stdout } = await filled.backUp(source, '--json')
  const { bytes_encoded: encoded } = JSON.parse(stdout.trim().split('\n').at(-1)!) as { bytes_encoded: number }
  const stored = filled.bytes() - before
  rmSync(work, { recursive: true, force: true })
  rmSync(join(folder, 'empty'), { recursive: true, force: true })

  const restored = join(folder, 'restored.db')
  const restoring = ['restore', 'latest', '-c', join(filled.folder, 'backup.yaml'), '-to', restored]
  const anew = () => rmSync(restored, { force: true })
  const restore = await seconds(repeats, async () => {
    anew()
    return filled.kpipe(...restoring)
  })
  if ((await digestOf(restored)) !== (await digestOf(file))) throw new Error('the restored file differs')
  anew()
  const peakRestore = await filled.peak(...restoring)
  dropFolder(folder)
  return {
    bytes,
    changed,
    first,
    later,
    restore,
    peakBytes: { first: peakFirst, later: peakLater, restore: peakRestore },
    stored,
    beside: stored - encoded,
  }
}

/** After one run that fills caches. */
async function seconds(repeats: number, run: () => Promise<Run>): Promise<number[]> {
  const all: number[] = []
  for (let n = 0; n <= repeats; n++) all.push((await run()).seconds)
  return all.slice(1)
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const piece of createReadStream(file, { highWaterMark: 4 << 20 })) hash.update(piece as Buffer)
  return hash.digest('hex')
}
