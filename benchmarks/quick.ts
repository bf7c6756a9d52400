import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { dropFolder, ownFolder } from '../scripts/children.ts'
import { benchFolder } from './data/series.ts'
import { fixedWork } from './measure/fixed-work.ts'
import { kpipe } from './measure/kpipe.ts'
import { kpipeCases } from './measure/kpipe-cases.ts'
import { median, spread } from './measure/median.ts'
import { mebibytes, table } from './measure/table.ts'
import { stampedFiles } from './scale/stamped-files.ts'

/** Claim: kpipe is no slower than at its last release, beside a fixed piece of work of the same minute; with `--baseline`, this is that release. */
interface Baseline {
  readonly release: string
  readonly measured: string
  /** Wall time beside that of the fixed work, and bytes that a backup adds, by case. */
  readonly ratios: Readonly<Record<string, number>>
  readonly grownBytes: Readonly<Record<string, number>>
}

const repeats = 5
const baselineFile = join(import.meta.dirname, 'baseline.json')
const [hour0, hour1] = await stampedFiles(110)
const folder = ownFolder('.quick-', benchFolder)
const cases = await kpipeCases(folder, hour0, hour1)
const seconds = cases.map((): number[] => [])
const ratios = cases.map((): number[] => [])
const works: number[] = []
for (let n = 0; n <= repeats; n++) {
  for (const [index, one] of cases.entries()) {
    const work = await fixedWork(hour1)
    const run = await one.run()
    if (n === 0) continue // fills caches
    works.push(work)
    seconds[index]!.push(run.seconds)
    ratios[index]!.push(run.seconds / work)
  }
}
const grown = cases.map(({ grown }) => grown?.())
dropFolder(folder)

const now: Baseline = {
  release: /kpipe (\S+)/.exec((await kpipe(['--version'])).stdout)?.[1] ?? 'unknown',
  measured: new Date().toISOString().slice(0, 10),
  ratios: Object.fromEntries(cases.map(({ name }, index) => [name, Number(median(ratios[index]!).toFixed(3))])),
  grownBytes: Object.fromEntries(cases.flatMap(({ name }, index) => (grown[index] === undefined ? [] : [[name, grown[index]]]))),
}
const last: Baseline | undefined = existsSync(baselineFile) ? JSON.parse(readFileSync(baselineFile, 'utf8')) : undefined
if (process.argv.includes('--baseline')) writeFileSync(baselineFile, `${JSON.stringify(now, undefined, 2)}\n`)

console.log(
  `kpipe ${now.release} on 110 MiB of generated pages, of which 15 % change; ${repeats} runs each, medians. The ratio is to SHA-256, zstd 3 and AES-256-GCM of the same bytes ` +
    `with node's own functions on all processors, just before each run: ${median(works).toFixed(3)} s (${spread(works, 3)}).`,
)
console.log(last ? `Beside it kpipe ${last.release}, measured so on ${last.measured}.\n` : 'No release has been measured so yet.\n')
const rows = cases.map(({ name }, index) => {
  const [ratio, before] = [now.ratios[name]!, last?.ratios[name]]
  return [
    name,
    median(seconds[index]!).toFixed(3),
    spread(seconds[index]!, 3),
    ratio.toFixed(2),
    before?.toFixed(2) ?? '',
    before === undefined ? '' : `× ${(ratio / before).toFixed(2)}`,
    grown[index] === undefined ? '' : mebibytes(grown[index]),
    last?.grownBytes[name] === undefined ? '' : mebibytes(last.grownBytes[name]),
  ]
})
console.log(table(['', 'wall s', 'from–to', 'ratio', 'last', 'change', 'growth MiB', 'last'], rows))
