import type { BoltFigures } from './bolt.ts'
import type { HistoryFigures } from './history.ts'
import type { LiveFigures } from './live/measure-live.ts'
import { keptFigures } from './measure/figures.ts'
import { median } from './measure/median.ts'
import { table } from './measure/table.ts'
import type { Measure, Measured, PeerFigures, SeriesFigures } from './peers/peer-figures.ts'
import type { ScaleFigures } from './scale.ts'

/** What kpipe set out for, beside what the other benchmarks measured last. */
interface Goal {
  readonly title: string
  readonly measured: number | undefined
  readonly most: number
  readonly unit: string
}

const peers = keptFigures<PeerFigures>('peers')
const live = keptFigures<{ readonly sizes: readonly LiveFigures[] }>('live')
const scale = keptFigures<ScaleFigures>('scale')
const history = keptFigures<HistoryFigures>('history')
const bolt = keptFigures<BoltFigures>('bolt')
const process = keptFigures<{ readonly version: readonly number[] }>('process')

const goals: Goal[] = []
const goal = (title: string, measured: number | undefined, most: number, unit = '×'): void =>
  void goals.push({ title, measured, most, unit })
const large = peers?.series.find(({ bytes }) => isAbout(bytes[0]!, 370))
const small = peers?.series.find(({ bytes }) => isAbout(bytes[0]!, 110))
const wall = ({ seconds }: Measured) => median(seconds)
const grown = ({ grownBytes = 0 }: Measured) => grownBytes

goal('a later backup of 370 MiB, beside the fastest of the others', besideBest(large, 'later', wall), 0.6)
goal('the same of 110 MiB', besideBest(small, 'later', wall), 0.6)
goal('the first backup of 370 MiB, beside the fastest', besideBest(large, 'first', wall), 0.8)
goal('growth by an hour at 370 MiB, beside the smallest', besideBest(large, 'later', grown), 1 / 7)
goal('the same at 110 MiB', besideBest(small, 'later', grown), 1 / 7)
goal('restore of 370 MiB, beside the fastest', besideBest(large, 'restore', wall), 0.65)
const aged = history && history.aged.hours >= 500 && isAbout(history.aged.bytes, 110) ? history.aged : undefined
goal('restore after 500 hours with retention and prune, beside a fresh one', aged && median(aged.late) / median(aged.fresh), 1.5)
for (const mebibytes of [110, 370]) {
  goal(`live, ${mebibytes} MiB, an hour later, beside \`etcdctl snapshot save\``, besideLive(mebibytes, 'save later'), 1)
  goal(`live, ${mebibytes} MiB, beside save and restic`, besideLive(mebibytes, 'save and restic later'), 0.5)
}
goal('peak memory of a run of 370 MiB', peak(large, 'first', 'unchanged', 'later'), 160, 'MiB')
goal('peak memory of a restore of 370 MiB', peak(large, 'restore'), 160, 'MiB')
const of8 = scale?.sizes.find(({ bytes }) => isAbout(bytes, 8192))
const of04 = scale?.sizes.find(({ bytes }) => isAbout(bytes, 410))
goal('peak memory of a run of 8 GiB', of8 && mebibytes(Math.max(of8.peakBytes.first, of8.peakBytes.later)), 256, 'MiB')
goal('peak memory of a restore of 8 GiB', of8 && mebibytes(of8.peakBytes.restore), 256, 'MiB')
for (const what of ['first', 'later', 'restore'] as const) {
  const title = { first: 'the first backup', later: 'a later backup', restore: 'a restore' }[what]
  goal(
    `time per byte of ${title} at 8 GiB, beside 0.4 GiB`,
    of8 && of04 && median(of8[what]) / of8.bytes / (median(of04[what]) / of04.bytes),
    1.15,
  )
}
goal('400 MB of a database, walked with all checks on one core', bolt && median(bolt.walkSeconds), 1, 's')
goal('`kpipe status` of 110 MiB out of a repository', bolt && median(bolt.statusSeconds), 1, 's')
goal('`kpipe --version`', process && median(process.version), 0.12, 's')

console.log('## Goals\n')
const others = peers?.tools.slice(1).map(({ name, version }) => `${name} ${version}`)
console.log(
  `The ratios are of medians, out of the sections beside this one; "at most" is what kpipe set out for. ${others ? `The others are ${others.join(', ')}.` : ''}\n`,
)
const rows = goals.map(({ title, measured, most, unit }) => [
  title,
  written(most, unit),
  measured === undefined ? 'not measured' : written(measured, unit),
  measured === undefined ? '' : measured <= most ? 'yes' : 'no',
])
console.log(table(['', 'at most', 'measured', 'met'], rows))

function written(value: number, unit: string): string {
  return unit === '×' ? `${value.toFixed(value < 0.2 ? 3 : 2)} ×` : `${value.toFixed(unit === 's' ? 3 : 0)} ${unit}`
}

function isAbout(bytes: number, size: number): boolean {
  return Math.abs(mebibytes(bytes) / size - 1) < 0.2
}

function mebibytes(bytes: number): number {
  return bytes / 2 ** 20
}

function measuresOf(series: SeriesFigures | undefined, kinds: readonly Measure['kind'][]): readonly Measure[] {
  return series?.measures.filter(({ kind }) => kinds.includes(kind)) ?? []
}

/** kpipe beside the best of the others; of several measures the median of each tool. */
function besideBest(series: SeriesFigures | undefined, kind: Measure['kind'], value: (measured: Measured) => number): number | undefined {
  const measures = measuresOf(series, [kind])
  const [own, ...others] = measures[0]?.of.map((_, tool) => median(measures.map(({ of }) => value(of[tool]!)))) ?? []
  return own === undefined || others.length === 0 ? undefined : own / Math.min(...others)
}

function peak(series: SeriesFigures | undefined, ...kinds: readonly Measure['kind'][]): number | undefined {
  const peaks = measuresOf(series, kinds).map(({ of }) => of[0]!.peakBytes)
  return peaks.length === 0 ? undefined : mebibytes(Math.max(...peaks))
}

function besideLive(size: number, kind: 'save later' | 'save and restic later'): number | undefined {
  const measures = live?.sizes.find(({ bytes }) => isAbout(bytes, size))?.measures
  const [own, other] = ['later', kind].map((wanted) => measures?.find((one) => one.kind === wanted)?.seconds)
  return own && other && median(own) / median(other)
}
