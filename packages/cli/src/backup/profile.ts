import type { BackupReport } from '@kpipe/engine'
import type { ThreadTime } from './thread-times.ts'

/** What a run took, beside the seconds by stage of its report. */
export interface RunTimes {
  /** Seconds since the process began: when the source was asked, when the last frame was packed, and when the snapshot was published. */
  readonly begun: number
  readonly streamed: number
  readonly published: number
  /** Seconds for which objects were on their way into the store, summed; beside other work. */
  readonly store: number
  /** When the last frame was packed. */
  readonly threads: readonly ThreadTime[]
}

/** Where the time of the stages is spent, for readers of the profile; others are codecs, on worker threads. */
const where: Readonly<Record<string, string>> = {
  read: 'worker threads, or main thread waiting for the source',
  digest: 'main thread',
  copy: 'main thread, into segments',
  cut: 'worker threads',
  compare: 'worker threads, with the pages before',
  tag: 'worker threads',
  inspect: 'worker threads',
  'take looks': 'main thread, of the inspector',
  conclude: 'main thread, of the inspector',
  'look up': 'main thread, in the parent',
  gather: 'main thread, into frames',
  pack: 'main thread, and waiting for the store when it is behind',
}

/** For people: seconds and nanoseconds for each byte of the stream, by stage in the order of the bytes, and what each thread did. */
export function profileText({ seconds, bytes }: BackupReport, times: RunTimes): string {
  const { begun, streamed, published, store, threads } = times
  const row = (stage: string, spent: number, note: string): string =>
    `  ${stage.padEnd(21)}${spent.toFixed(3).padStart(8)}${((spent * 1e9) / Math.max(bytes, 1)).toFixed(3).padStart(10)}  ${note}`
  const stages = ordered(seconds).map(([stage, spent]) => row(stage, spent, where[stage] ?? 'worker threads'))
  return [
    `${'profile'.padEnd(23)}${'s'.padStart(8)}${'ns/byte'.padStart(10)}`,
    row('start', begun, 'until the source was asked'),
    ...stages,
    row('store', store, 'objects on their way, beside the rest'),
    row('stream', streamed - begun, 'from the first byte to the last frame'),
    row('publish', published - streamed, 'recipe, log entry'),
    `${'threads'.padEnd(23)}${'busy s'.padStart(8)}${'delayed'.padStart(10)}${'idle'.padStart(8)}`,
    ...threads.map(({ thread, busy, delayed, idle }) => {
      return `  ${thread.padEnd(21)}${busy.toFixed(3).padStart(8)}${delayed.toFixed(3).padStart(10)}${(idle?.toFixed(3) ?? '').padStart(8)}`
    }),
  ].join('\n')
}

/** The same for programs, beside `stage_seconds`. */
export function profileFields({ begun, streamed, published, store, threads }: RunTimes): Record<string, unknown> {
  return {
    start_seconds: rounded(begun),
    stream_seconds: rounded(streamed - begun),
    publish_seconds: rounded(published - streamed),
    store_seconds: rounded(store),
    threads: threads.map(({ thread, busy, delayed, idle }) => ({
      thread,
      busy_seconds: rounded(busy),
      delayed_seconds: rounded(delayed),
      idle_seconds: idle === undefined ? null : rounded(idle),
    })),
  }
}

/** In the order in which the bytes meet them: codecs come before the packs. */
function ordered(seconds: Readonly<Record<string, number>>): [string, number][] {
  const names = Object.keys(where)
  const place = (stage: string): number => (names.includes(stage) ? names.indexOf(stage) : names.length - 1.5)
  return Object.entries(seconds).toSorted(([a], [b]) => place(a) - place(b))
}

const rounded = (seconds: number): number => Number(seconds.toFixed(6))
