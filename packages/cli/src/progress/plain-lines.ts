import { sizeText } from '../output/size-text.ts'
import type { Progress } from './progress.ts'

/** A line each ten percent; while the total is unknown at 64 MB and each tenfold of it. */
export function plainLines(verb: string, say: (text: string) => void): Progress {
  let toldTenths = 0
  let nextBytes = 64_000_000
  return {
    update(bytes, totalBytes) {
      if (totalBytes === undefined) {
        if (bytes < nextBytes) return
        say(`${verb}: ${sizeText(bytes)}`)
        while (nextBytes <= bytes) nextBytes *= 10
        return
      }
      const tenths = totalBytes === 0 ? 10 : Math.floor((bytes / totalBytes) * 10)
      if (tenths <= toldTenths) return
      toldTenths = tenths
      say(`${verb}: ${tenths * 10} % of ${sizeText(totalBytes)}`)
    },
    stop: () => undefined,
  }
}
