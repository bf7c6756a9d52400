/** Local time with its offset, to the second: `2026-11-01T10:00:00+01:00`. */
export function localTime(time: Date): string {
  const offset = -time.getTimezoneOffset()
  const shifted = new Date(time.getTime() + offset * 60_000).toISOString().slice(0, 19)
  const [hours, minutes] = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60]
  return `${shifted}${offset < 0 ? '-' : '+'}${two(hours)}:${two(minutes)}`
}

/** Seconds for people: `0.21 s`, `42 s`, `3 min 05 s`, `2 h 10 min`. */
export function durationText(seconds: number): string {
  if (seconds < 10 && !Number.isInteger(seconds)) return `${seconds.toFixed(2)} s`
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`
}

/** How long ago, in the largest unit that fits: `40s`, `5m`, `2h`, `3d`. */
export function ageText(seconds: number): string {
  const [unit, length] = ([['d', 86_400], ['h', 3600], ['m', 60]] as const).find(([, size]) => seconds >= size) ?? ['s', 1] // prettier-ignore
  return `${Math.max(0, Math.floor(seconds / length))}${unit}`
}

const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 }

/** Seconds of `90s`, `15m`, `2h`, `1d12h`; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  if (!/^(\d+(\.\d+)?[smhdw])+$/.test(text)) return undefined
  let seconds = 0
  for (const [, count, unit] of text.matchAll(/(\d+(?:\.\d+)?)([smhdw])/g)) seconds += Number(count) * unitSeconds[unit]
  return seconds
}

function two(count: number): string {
  return String(count).padStart(2, '0')
}
