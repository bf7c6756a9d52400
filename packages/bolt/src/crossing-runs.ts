import { decodeLook } from './look-format.ts'
import { lookPages, maxOverlap } from './look.ts'
import type { LookPlan } from './look.ts'
import { maxRunBytes } from './page.ts'

/** Pages and runs of overflow that cross the ends of segments: their bytes are kept until they are whole, at most `maxRunBytes` in all. */
export interface CrossingRuns {
  /** The next segment's bytes, before its own crossing pages are told. Returns looks at what they made whole. */
  complete(bytes: Uint8Array, position: number): Uint8Array[]
  /** Pages that begin in the segment that was just given, and end later. */
  begin(pages: readonly number[], bytes: Uint8Array, position: number): void
  /** Why there is no look at a page that did cross; undefined when it did not. */
  missing(page: number): 'unread' | 'unended' | undefined
}

interface Run {
  readonly page: number
  /** Position in the stream where it ends, as far as is known. */
  readonly end: number
}

export function crossingRuns(plan: LookPlan): CrossingRuns {
  const { pageBytes } = plan
  const unread = new Set<number>()
  let runs: Run[] = []
  // The stream from the first open run's first byte on. Runs overlap when a stale page's overflow covers others, so one buffer serves all.
  let kept = new Uint8Array(0)
  let keptStart = 0
  let keptBytes = 0
  let overlapLeft = maxRunBytes

  function keep(bytes: Uint8Array): void {
    if (keptBytes + bytes.length > kept.length) {
      const larger = new Uint8Array(Math.max(2 * keptBytes, keptBytes + bytes.length))
      larger.set(kept.subarray(0, keptBytes))
      kept = larger
    }
    kept.set(bytes, keptBytes)
    keptBytes += bytes.length
  }

  /** The run with its true end: a page that was cut before its header tells it only now. */
  function measure(page: number, bytes: Uint8Array, at: number): Run {
    if (at + pageBytes > bytes.length) return { page, end: (page + 1) * pageBytes }
    const overflow = new DataView(bytes.buffer, bytes.byteOffset + at, pageBytes).getUint32(12, true)
    return { page, end: (page + 1 + overflow) * pageBytes }
  }

  return {
    complete(bytes, position) {
      overlapLeft += maxOverlap * bytes.length
      if (runs.length === 0) return []
      const end = position + bytes.length
      /** Of this segment, what lies before `to` and is not kept yet. */
      const keepUntil = (to: number) => {
        const from = keptStart + keptBytes - position
        if (to - position > from) keep(bytes.subarray(from, to - position))
      }
      keepUntil(runs.reduce((most, run) => Math.max(most, run.end), 0))
      const whole: Uint8Array[] = []
      const open: Run[] = []
      const waiting = [...runs]
      for (const run of waiting) {
        if (run.end > end) {
          open.push(run)
          continue
        }
        overlapLeft -= run.end - run.page * pageBytes
        if (overlapLeft < 0) {
          unread.add(run.page)
          continue
        }
        const at = run.page * pageBytes - keptStart
        const look = lookPages(kept.subarray(0, keptBytes), at, run.page, 1, plan)
        if (decodeLook(look).unfinished.length === 0) {
          whole.push(look)
          continue
        }
        // Its header was cut, and tells an overflow that may end in this segment too.
        const measured = measure(run.page, kept.subarray(0, keptBytes), at)
        keepUntil(measured.end)
        waiting.push(measured)
      }
      runs = open
      if (open.length > 0) keepUntil(end)
      trim()
      return whole
    },
    begin(pages, bytes, position) {
      const end = position + bytes.length
      const cut = Math.floor(end / pageBytes)
      const all = cut * pageBytes < end ? [...pages, cut] : pages
      if (all.length === 0) return
      if (runs.length === 0) {
        keptStart = Math.max(position, all[0] * pageBytes)
        keptBytes = 0
        keep(bytes.subarray(keptStart - position))
      }
      for (const page of all) {
        // A page that began before this segment is open already.
        if (page * pageBytes >= position) runs.push(measure(page, bytes, page * pageBytes - position))
      }
    },
    missing(page) {
      if (unread.has(page)) return 'unread'
      return runs.some((run) => run.page === page) ? 'unended' : undefined
    },
  }

  /** Forgets what lies before the first open run. */
  function trim(): void {
    if (runs.length === 0) {
      kept = new Uint8Array(0)
      keptBytes = 0
      return
    }
    const start = runs.reduce((least, run) => Math.min(least, run.page), Infinity) * pageBytes
    if (start === keptStart) return
    kept.copyWithin(0, start - keptStart, keptBytes)
    keptBytes -= start - keptStart
    keptStart = start
  }
}
