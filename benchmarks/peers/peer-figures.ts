/** What one tool needed for one thing, of all runs that count. */
export interface Measured {
  readonly seconds: readonly number[]
  /** Of all threads, in steps of 10 ms. */
  readonly cpuSeconds: readonly number[]
  /** Largest of the runs that were made for it; 0 where none was. */
  readonly peakBytes: number
  /** Of the repository, by one backup. */
  readonly grownBytes?: number
}

export interface Measure {
  readonly kind: 'first' | 'unchanged' | 'later' | 'restore' | 'list'
  readonly title: string
  /** In the order of the tools. */
  readonly of: readonly Measured[]
}

export interface SeriesFigures {
  /** Length of each snapshot, in bytes. */
  readonly bytes: readonly number[]
  /** Bytes of the pages that each but the first changed. */
  readonly changed: readonly number[]
  /** Seconds of the fixed piece of work on the first one, between the runs. */
  readonly works: readonly number[]
  readonly measures: readonly Measure[]
  /** At the end, in the order of the tools. */
  readonly repositoryBytes: readonly number[]
}

export interface PeerFigures {
  /** kpipe is the first. */
  readonly tools: readonly { readonly name: string; readonly version: string; readonly settings: string }[]
  /** Why others were not there, a sentence each. */
  readonly missing: readonly string[]
  readonly repeats: number
  readonly series: readonly SeriesFigures[]
}
