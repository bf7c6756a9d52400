import { median, spread } from '../measure/median.ts'
import { mebibytes, percent, table } from '../measure/table.ts'
import type { Measure, Measured, PeerFigures, SeriesFigures } from './peer-figures.ts'

/** The tables of the results, in Markdown. */
export function peerText({ tools, missing, repeats, series }: PeerFigures): string {
  const settings = table(
    ['', 'version', 'settings'],
    tools.map(({ name, version, settings }) => [name, version, settings]),
  )
  const names = tools.map(({ name }) => name)
  return [
    '## Beside restic, rustic and borg',
    `The same files, disk and processors for all, in turns, warm cache; ${repeats} runs of each after one that fills caches, from spawn to exit: the median, in brackets the smallest and largest. ` +
      'Each hour is a new file at the same path, as a new snapshot is. All keep it encrypted. Opening a repository with a password costs a scrypt or PBKDF2, which kpipe with a key file does without: the list of snapshots shows how much. ' +
      'The last column is kpipe beside the best of the others.',
    settings,
    ...missing.map((sentence) => `Not measured: ${sentence}.`),
    ...series.flatMap((one) => seriesText(names, one)),
  ].join('\n\n')
}

function seriesText(names: readonly string[], { bytes, changed, works, measures, repositoryBytes }: SeriesFigures): string[] {
  const shares = changed.map((part, hour) => percent(part / bytes[hour + 1]!)).join(', ')
  const head = (what: string) => [what, ...names, 'kpipe ÷ best']
  const rows = (of: readonly Measure[], value: (measured: Measured) => number, text: (measured: Measured) => string) =>
    of.map((measure) => [measure.title, ...measure.of.map(text), besideBest(measure.of.map(value))])
  const withPeak = measures.filter(({ of }) => of.some(({ peakBytes }) => peakBytes > 0))
  const growing = measures.filter(({ of }) => of.some(({ grownBytes }) => grownBytes !== undefined))
  const grown = ({ grownBytes = 0 }: Measured) => grownBytes
  const lessList = withoutOpening(measures)
  return [
    `### ${bytes.length} snapshots of ${mebibytes(bytes[0]!)} to ${mebibytes(bytes.at(-1)!)} MiB`,
    `Pages changed in each hour: ${shares}. SHA-256, zstd 3 and AES-256-GCM of the first one with node's own functions on all processors took ${median(works).toFixed(3)} s (${spread(works, 3)}) between the runs.`,
    table(head('wall s'), [
      ...rows(
        measures,
        ({ seconds }) => median(seconds),
        ({ seconds }) => `${median(seconds).toFixed(3)} (${spread(seconds, 3)})`,
      ),
      ['a later backup less the list', ...lessList.map((seconds) => seconds.toFixed(3)), besideBest(lessList)],
    ]),
    table(
      head('CPU s'),
      rows(
        measures,
        ({ cpuSeconds }) => median(cpuSeconds),
        ({ cpuSeconds }) => median(cpuSeconds).toFixed(2),
      ),
    ),
    table(
      head('peak MiB'),
      rows(
        withPeak,
        ({ peakBytes }) => peakBytes,
        ({ peakBytes }) => mebibytes(peakBytes),
      ),
    ),
    table(head('growth MiB'), [
      ...rows(growing, grown, (measured) => mebibytes(grown(measured))),
      ['the whole repository', ...repositoryBytes.map((all) => mebibytes(all)), besideBest(repositoryBytes)],
    ]),
  ]
}

/** Of each tool, what its later backups take beyond a list of the snapshots, which opens a repository and does next to nothing else. */
export function withoutOpening(measures: readonly Measure[]): number[] {
  const list = measures.find(({ kind }) => kind === 'list')!
  const later = measures.filter(({ kind }) => kind === 'later')
  return list.of.map(({ seconds }, tool) => median(later.map(({ of }) => median(of[tool]!.seconds))) - median(seconds))
}

/** The first beside the smallest of the rest. */
function besideBest([own, ...others]: readonly number[]): string {
  return others.length === 0 ? '' : (own! / Math.min(...others)).toFixed(2)
}
