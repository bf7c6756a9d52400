/** One series of generated snapshots. */
export interface SeriesSize {
  readonly mebibytes: number
  readonly hours: number
}

/** `110x3,370x4` in KPIPE_BENCH_SERIES: MiB and snapshots of each series; the two that the goals speak of when it is unset. */
export function seriesSizes(text = process.env['KPIPE_BENCH_SERIES']): readonly SeriesSize[] {
  if (text === undefined || text === '') return standardSizes
  return text.split(',').map((part) => {
    const [mebibytes, hours] = part.split('x').map(Number)
    if (!mebibytes || !hours || hours < 2) throw new Error(`KPIPE_BENCH_SERIES has ${part}, which is no size like 110x3`)
    return { mebibytes, hours }
  })
}

const standardSizes: readonly SeriesSize[] = [
  { mebibytes: 108, hours: 3 },
  { mebibytes: 370, hours: 4 },
]
