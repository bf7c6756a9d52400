import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { dropFolder, ownFolder } from '../scripts/children.ts'
import { benchFolder, generated } from './data/series.ts'
import { seriesSizes } from './data/sizes.ts'
import { keepFigures } from './measure/figures.ts'
import { chart } from './peers/chart.ts'
import { getTools } from './peers/get-tools.ts'
import { measureSeries } from './peers/measure-series.ts'
import type { PeerFigures, SeriesFigures } from './peers/peer-figures.ts'
import { peerText } from './peers/peer-text.ts'

/** Claim: a backup with kpipe takes less time and far less room than one with restic, rustic or borg, and a restore is faster too. */
const repeats = Number(process.env['KPIPE_BENCH_REPEATS'] ?? 5)
const { tools, missing } = await getTools()
const series: SeriesFigures[] = []
for (const { mebibytes, hours } of seriesSizes()) {
  const files = await generated(mebibytes, hours)
  const folder = ownFolder('.peers-', benchFolder)
  series.push(await measureSeries(tools, files, { folder, repeats, log: (line) => console.error(`${mebibytes} MiB: ${line}`) }))
  dropFolder(folder)
}

const told = tools.map(({ name, version, settings }) => ({ name, version, settings }))
const figures: PeerFigures = { tools: told, missing, repeats, series }
keepFigures('peers', figures)
mkdirSync(benchFolder, { recursive: true })
writeFileSync(process.env['KPIPE_BENCH_CHART'] ?? join(benchFolder, 'chart.svg'), chart(figures))
console.log(peerText(figures))
