import { sizeText } from '../output/size-text.ts'
import type { Progress } from './progress.ts'

/** So that a short run says nothing at all: its summary comes before anybody asks. */
const intervalMs = 5000

/**
 * A line each ten percent, while the total is unknown at 64 MB and each tenfold of it; at most one in five seconds.
 * `now` gives milliseconds.
 */
export function plainLines(verb: string, say: (text: string) => void, now: () => number = () => performance.now()): Progress {
  let toldAt = now()
  let toldTenths = 0
  let nextBytes = 64_000_000
  const tell = (text: string) => {
    toldAt = now()
    say(`${verb}: ${text}`)
  }
  return {
    update(bytes, totalBytes) {
      if (now() - toldAt < intervalMs) return
      if (totalBytes === undefined) {
        if (bytes < nextBytes) return
        tell(sizeText(bytes))
        while (nextBytes <= bytes) nextBytes *= 10
        return
      }
      const tenths = totalBytes === 0 ? 10 : Math.floor((bytes / totalBytes) * 10)
      if (tenths <= toldTenths) return
      toldTenths = tenths
      tell(`${tenths * 10} % of ${sizeText(totalBytes)}`)
    },
    stop: () => undefined,
  }
}
