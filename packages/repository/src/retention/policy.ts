/** How many to keep of one kind; `unlimited` is all. */
export type KeepCount = number | 'unlimited'

/** Calendar steps back from a time; days have 24 hours, months and years are those of the calendar (UTC). */
export interface Span {
  readonly years: number
  readonly months: number
  readonly days: number
  readonly hours: number
}

/** restic's keep rules. Each keeps on its own: what any of them keeps stays. */
export interface Policy {
  readonly last?: KeepCount | undefined
  readonly hourly?: KeepCount | undefined
  readonly daily?: KeepCount | undefined
  /** ISO 8601 weeks. */
  readonly weekly?: KeepCount | undefined
  readonly monthly?: KeepCount | undefined
  readonly yearly?: KeepCount | undefined
  /** Counted back from the newest snapshot that does not lie in the future. */
  readonly within?: Span | undefined
  /** Lists of tags: a snapshot stays that has all tags of one list. */
  readonly tags?: readonly (readonly string[])[] | undefined
  /** IANA name of the zone of hours, days, weeks, months and years; default: UTC. `within` is counted in UTC. */
  readonly timezone?: string | undefined
}

/** A policy of which nothing follows. */
export function isEmptyPolicy({ within, tags = [], timezone: _zone, ...counts }: Policy): boolean {
  return within === undefined && tags.length === 0 && Object.values(counts).every((count) => count === undefined || count === 0)
}

/** `2y5m7d3h`, any part of it; undefined for anything else. */
export function parseSpan(text: string): Span | undefined {
  const match = /^(?:(\d{1,4})y)?(?:(\d{1,5})m)?(?:(\d{1,6})d)?(?:(\d{1,7})h)?$/.exec(text)
  if (text === '' || match === null) return undefined
  const [years, months, days, hours] = match.slice(1).map((count) => Number(count ?? 0))
  return { years, months, days, hours }
}

export function spanText({ years, months, days, hours }: Span): string {
  const parts = [`${years}y`, `${months}m`, `${days}d`, `${hours}h`].filter((part) => !part.startsWith('0'))
  return parts.length === 0 ? '0h' : parts.join('')
}

/** Milliseconds since 1970 of the time that lies `span` before `time`. A day that a month does not have runs over into the next. */
export function before(time: number, { years, months, days, hours }: Span): number {
  const date = new Date(time)
  return date.setUTCFullYear(date.getUTCFullYear() - years, date.getUTCMonth() - months, date.getUTCDate() - days) - hours * 3_600_000
}
