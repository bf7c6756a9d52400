import { getEtcd } from '../scripts/etcd/get-etcd.ts'
import { generated } from './data/series.ts'
import { seriesSizes } from './data/sizes.ts'
import { measureLive, type LiveFigures } from './live/measure-live.ts'
import { keepFigures } from './measure/figures.ts'
import { edition } from './measure/kpipe.ts'
import { median, spread } from './measure/median.ts'
import { mebibytes, table } from './measure/table.ts'
import { getTools } from './peers/get-tools.ts'

/** Claim: a backup of a running etcd takes no longer than `etcdctl snapshot save` alone, and half as long as that and restic. */
const repeats = Number(process.env['KPIPE_BENCH_REPEATS'] ?? 7)
const binaries = await getEtcd({ version: '3.6', log: console.error })
const { tools, missing } = await getTools(['restic'])
const restic = tools.find(({ name }) => name === 'restic')
const sizes: LiveFigures[] = []
for (const { mebibytes: size, hours } of seriesSizes()) {
  const newest = (await generated(size, hours)).at(-1)!
  sizes.push(await measureLive({ binaries, restic, snapshot: newest, mebibytes: size, hours, repeats, log: console.error }))
}
keepFigures('live', { sizes })

console.log('## A live etcd\n')
console.log(
  `One member of etcd ${binaries.version} on this machine, at rest; ${repeats} runs each in turn after one that fills caches, from spawn to exit: the median, smallest and largest wall time. ` +
    `CPU is that of the command alone, not of etcd. kpipe is ${edition}. ${restic ? `restic ${restic.version} backs up the file that was saved; both times are added.` : ''}\n`,
)
for (const sentence of missing) console.log(`Not measured: ${sentence}.\n`)
const rows = sizes.flatMap(({ bytes, measures }) => {
  const save = (kind: string) => median(measures.find((one) => one.kind === (kind.endsWith('later') ? 'save later' : 'save'))!.seconds)
  return measures.map(({ kind, title, seconds, cpuSeconds, grownBytes }) => [
    title,
    mebibytes(bytes),
    median(seconds).toFixed(3),
    spread(seconds, 3),
    (median(seconds) / save(kind)).toFixed(2),
    median(cpuSeconds).toFixed(2),
    grownBytes === undefined ? '' : mebibytes(grownBytes),
  ])
})
console.log(table(['', 'MiB', 'wall s', 'from–to', '÷ save alone', 'CPU s', 'growth MiB'], rows))
