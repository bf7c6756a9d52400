import { join } from 'node:path'
import { dropFolder, ownFolder } from '../scripts/children.ts'
import { benchFolder, generated } from './data/series.ts'
import { seriesSizes } from './data/sizes.ts'
import { keepFigures } from './measure/figures.ts'
import { edition } from './measure/kpipe.ts'
import { median } from './measure/median.ts'
import { type BenchRepository, copyOf, fileSource, newRepository } from './measure/repository.ts'
import { mebibytes, table } from './measure/table.ts'

/** Claim: where each nanosecond of a run goes, by stage, and how long each thread waits. */
interface Summary {
  readonly bytes_read: number
  readonly stage_seconds: Readonly<Record<string, number>>
  readonly profile: {
    readonly start_seconds: number
    readonly stream_seconds: number
    readonly publish_seconds: number
    readonly store_seconds: number
    readonly threads: readonly {
      readonly thread: string
      readonly busy_seconds: number
      readonly delayed_seconds: number
      readonly idle_seconds: number | null
    }[]
  }
}

const repeats = Number(process.env['KPIPE_BENCH_REPEATS'] ?? 7)
const folder = ownFolder('.profile-', benchFolder)
const columns: { readonly title: string; readonly bytes: number; readonly runs: readonly Summary[] }[] = []
for (const { mebibytes: size, hours } of seriesSizes()) {
  const [hour0, hour1] = (await generated(size, hours)) as [string, string]
  const empty = await newRepository(join(folder, `${size}-empty`))
  const filled = copyOf(empty, join(folder, `${size}-filled`))
  await filled.backUp(fileSource(hour0))
  columns.push(
    await profiled('first', empty, hour0),
    await profiled('unchanged', filled, hour0),
    await profiled('an hour later', filled, hour1),
  )
}
dropFolder(folder)
keepFigures('profile', {
  columns: columns.map(({ title, bytes, runs }) => ({ title, bytes, stages: stagesOf(runs), threads: threadsOf(runs) })),
})

const heads = columns.map(({ title, bytes }) => `${title}, ${mebibytes(bytes)} MiB`)
console.log(`## A profile of kpipe run, ${edition}\n`)
console.log(
  `What \`kpipe run -vv\` tells, as the median of ${repeats} runs each after one that fills caches: nanoseconds for each byte of the stream, summed over threads. ` +
    'Start, stream and publish follow each other and are the time of the whole run; the stages overlap. `read` is time waited for the source, `pack` for the repository to take a frame, `store` that objects were on their way into it.\n',
)
console.log(table(['ns/byte', ...heads], rowsOf(columns.map(({ runs }) => stagesOf(runs)))))
console.log('\nSeconds that each thread was at work, ready but without a processor, and idle, until the last frame was packed:\n')
console.log(table(['s', ...heads], rowsOf(columns.map(({ runs }) => threadsOf(runs)))))

async function profiled(title: string, from: BenchRepository, file: string): Promise<(typeof columns)[number]> {
  const runs: Summary[] = []
  for (let n = 0; n <= repeats; n++) {
    const repository = copyOf(from, join(folder, 'work'))
    const { stdout } = await repository.backUp(fileSource(file), '--json', '-vv')
    if (n > 0) runs.push(JSON.parse(stdout.trim().split('\n').at(-1)!) as Summary)
  }
  return { title, bytes: runs[0]!.bytes_read, runs }
}

function stagesOf(runs: readonly Summary[]): Record<string, string> {
  const phases = ({
    profile: { start_seconds: start, stream_seconds: stream, publish_seconds: publish, store_seconds: store },
  }: Summary) => ({
    store,
    start,
    stream,
    publish,
  })
  const each = runs.map((run) => ({ ...run.stage_seconds, ...phases(run) }) as Record<string, number>)
  const names = [...new Set(each.flatMap((seconds) => Object.keys(seconds)))]
  return Object.fromEntries(
    names.map((name) => [name, median(each.map((seconds, n) => ((seconds[name] ?? 0) * 1e9) / runs[n]!.bytes_read)).toFixed(3)]),
  )
}

function threadsOf(runs: readonly Summary[]): Record<string, string> {
  const names = runs[0]!.profile.threads.map(({ thread }) => thread)
  const of = (name: string, what: 'busy_seconds' | 'delayed_seconds' | 'idle_seconds') =>
    median(runs.map(({ profile }) => profile.threads.find(({ thread }) => thread === name)?.[what] ?? Number.NaN)).toFixed(3)
  return Object.fromEntries(
    names.map((name) => {
      const told = [of(name, 'busy_seconds'), of(name, 'delayed_seconds'), of(name, 'idle_seconds')]
      return [name, told.filter((text) => text !== 'NaN').join(' / ')]
    }),
  )
}

/** A row for each name that any column has, the stages in the order of the bytes. */
function rowsOf(all: readonly Readonly<Record<string, string>>[]): string[][] {
  const order = 'start stream read digest copy cut tag inspect look_up gather take_looks conclude compress seal pack store publish'.split(
    ' ',
  )
  const place = (name: string) => order.indexOf(name.replace(' ', '_'))
  const names = [...new Set(all.flatMap((one) => Object.keys(one)))]
  return names.toSorted((a, b) => place(a) - place(b)).map((name) => [name, ...all.map((one) => one[name] ?? '')])
}
