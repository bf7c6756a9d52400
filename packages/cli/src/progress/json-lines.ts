import { paceMeter } from './pace.ts'
import type { Progress } from './progress.ts'

/** At most two lines a second. */
const intervalMs = 500

/** JSON lines with `message_type` `status`. `now` gives milliseconds. */
export function jsonLines(
  write: (value: Readonly<Record<string, unknown>>) => void,
  now: () => number = () => performance.now(),
): Progress {
  const pace = paceMeter(now)
  const began = now()
  let toldAt = -Infinity
  return {
    update(bytes, totalBytes) {
      const at = now()
      if (at - toldAt < intervalMs) return
      toldAt = at
      const { speed, secondsLeft } = pace(bytes, totalBytes)
      write({
        message_type: 'status',
        bytes_done: bytes,
        total_bytes: totalBytes ?? null,
        percent_done: totalBytes === undefined ? null : totalBytes === 0 ? 1 : bytes / totalBytes,
        bytes_per_second: Math.round(speed),
        seconds_elapsed: Math.round((at - began) / 10) / 100,
        seconds_remaining: secondsLeft === undefined ? null : Math.ceil(secondsLeft),
      })
    },
    stop: () => undefined,
  }
}
