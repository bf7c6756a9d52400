import { median } from '../measure/median.ts'
import type { Measured, PeerFigures, SeriesFigures } from './peer-figures.ts'

interface Bars {
  readonly title: string
  readonly unit: string
  readonly values: readonly number[]
}

const panel = { width: 256, top: 62, row: 22, label: 48, bar: 150 }
const style = `
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600 } .muted { fill: #59636e }
  .own { fill: #1a7f64 } .other { fill: #b1bac4 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .muted { fill: #9198a1 } .own { fill: #3fb68b } .other { fill: #57606a }
  }`

/** A picture for the README: three groups of bars for each series, without a background, so that it fits a light and a dark page. */
export function chart({ tools, series }: PeerFigures): string {
  const names = tools.map(({ name }) => name)
  const height = panel.top + names.length * panel.row + 16
  const rows = series.map((one, index) => {
    const groups = barsOf(one).map((bars, column) => `<g transform="translate(${column * panel.width} 0)">${group(names, bars)}</g>`)
    const title = `etcd of ${mebibytes(one.bytes.at(-1)!)} MiB, ${percent(one)} of the pages changed in an hour`
    return `<g transform="translate(0 ${index * height})"><text class="title" x="0" y="18">${title}</text>${groups.join('')}</g>`
  })
  const width = 3 * panel.width
  const size = `viewBox="0 0 ${width} ${series.length * height}" width="${width}" height="${series.length * height}"`
  const label = `kpipe beside ${names.slice(1).join(', ')}: time of a backup, growth of the repository, time of a restore`
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img" aria-label="${label}"><style>${style}\n</style>\n${rows.join('\n')}\n</svg>\n`
}

function barsOf({ measures }: SeriesFigures): Bars[] {
  const of = (kind: 'later' | 'restore', value: (measured: Measured) => number): number[] => {
    const all = measures.filter((measure) => measure.kind === kind)
    return all[0]!.of.map((_, tool) => median(all.map((measure) => value(measure.of[tool]!))))
  }
  return [
    { title: 'backup an hour later', unit: 's', values: of('later', ({ seconds }) => median(seconds)) },
    { title: 'growth of the repository', unit: 'MiB', values: of('later', ({ grownBytes = 0 }) => grownBytes / 2 ** 20) },
    { title: 'restore', unit: 's', values: of('restore', ({ seconds }) => median(seconds)) },
  ]
}

function group(names: readonly string[], { title, unit, values }: Bars): string {
  const longest = Math.max(...values)
  const bars = names.map((name, index) => {
    const y = panel.top + index * panel.row
    const length = Math.max(1, (values[index]! / longest) * panel.bar)
    return (
      `<text class="muted" x="${panel.label - 6}" y="${y + 12}" text-anchor="end">${name}</text>` +
      `<rect class="${index === 0 ? 'own' : 'other'}" x="${panel.label}" y="${y}" width="${length.toFixed(1)}" height="16" rx="2"/>` +
      `<text x="${(panel.label + length + 5).toFixed(1)}" y="${y + 12}">${values[index]!.toFixed(values[index]! < 10 ? 2 : 1)}</text>`
    )
  })
  return `<text x="0" y="46">${title}, <tspan class="muted">${unit}</tspan></text>${bars.join('')}`
}

const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(0)

function percent({ changed, bytes }: SeriesFigures): string {
  return `${(median(changed.map((part, hour) => part / bytes[hour + 1]!)) * 100).toFixed(0)} %`
}
