/** How fast bytes come, smoothed over the last seconds, and how long the rest will take. */
export interface Pace {
  /** Bytes a second. */
  readonly speed: number
  /** Undefined while the total or the speed is unknown. */
  readonly secondsLeft: number | undefined
}

/** `now` gives milliseconds. */
export function paceMeter(now: () => number = () => performance.now()): (bytes: number, totalBytes: number | undefined) => Pace {
  const began = now()
  let [lastAt, lastBytes, speed] = [began, 0, 0]
  return (bytes, totalBytes) => {
    const at = now()
    // It starts over.
    if (bytes < lastBytes) lastBytes = 0
    const seconds = (at - lastAt) / 1000
    if (seconds >= 0.25 || speed === 0) {
      const current = (bytes - lastBytes) / Math.max(seconds, 0.001)
      // A time constant of three seconds: steady, but not blind to a source that slows down.
      const weight = speed === 0 ? 1 : 1 - Math.exp(-seconds / 3)
      speed += (current - speed) * weight
      ;[lastAt, lastBytes] = [at, bytes]
    }
    const left = totalBytes === undefined || speed <= 0 ? undefined : Math.max(0, totalBytes - bytes) / speed
    return { speed, secondsLeft: left }
  }
}
