import { changedPages, changedShare, pageBytes, zstdBytes } from './data/changed-pages.ts'
import { generatedLikeRecorded, generatedSeries, recordedSeries, type Series } from './data/series.ts'
import { seriesSizes } from './data/sizes.ts'
import { mebibytes, percent, table } from './measure/table.ts'

/** Claim: the generated snapshots change and compress as those of a real cluster do. */
async function rows(series: Series): Promise<(string | number)[][]> {
  const made: (string | number)[][] = []
  let previous: Buffer | undefined
  for (const file of series.files) {
    const bytes = await file.read()
    const changed = previous && changedPages(previous, bytes)
    made.push([
      series.name,
      file.name,
      mebibytes(bytes.length),
      percent(zstdBytes(bytes) / bytes.length),
      changed ? Math.ceil(changed.length / pageBytes) : '',
      ...[pageBytes, 64 * 1024, 2 ** 20].map((piece) => (previous ? percent(changedShare(previous, bytes, piece)) : '')),
      changed ? percent(zstdBytes(changed) / changed.length) : '',
    ])
    previous = bytes
  }
  return made
}

console.log('## The data\n')
console.log(
  'Snapshots an hour apart: from a generator that drives a real etcd 3.6 as an apiserver does, and recorded under a real apiserver. Beside the share of pages that changed, that of pieces of 64 KiB and of 1 MiB in which any page did, as tools see it that cut into larger pieces.\n',
)
const head = ['series', 'snapshot', 'MiB', 'zstd 3, all', 'pages changed', 'share', 'of 64 KiB', 'of 1 MiB', 'zstd 3, changed']
const made: (string | number)[][] = []
for (const { mebibytes, hours } of seriesSizes()) made.push(...(await rows(await generatedSeries(mebibytes, hours))))
console.log(table(head, [...made, ...(await rows(await generatedLikeRecorded())), ...(await rows(recordedSeries()))]))
