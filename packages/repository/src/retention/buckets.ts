/** Names the bucket of a time; times of one bucket have one name. */
export type Buckets = Readonly<Record<'hourly' | 'daily' | 'weekly' | 'monthly' | 'yearly', (time: Date) => string>>

/** @param timezone IANA name; undefined: UTC */
export function bucketsOf(timezone: string | undefined): Buckets {
  if (timezone === undefined) return utc
  const local = localFields(timezone)
  return {
    // When clocks are set back, two hours have one name: their distance from UTC tells them apart.
    hourly: (time) => `${utc.hourly(local(time))} ${local(time).getTime() - time.getTime()}`,
    daily: (time) => utc.daily(local(time)),
    weekly: (time) => utc.weekly(local(time)),
    monthly: (time) => utc.monthly(local(time)),
    yearly: (time) => utc.yearly(local(time)),
  }
}

const utc: Buckets = {
  hourly: (time) => time.toISOString().slice(0, 13),
  daily: (time) => time.toISOString().slice(0, 10),
  weekly: isoWeek,
  monthly: (time) => time.toISOString().slice(0, 7),
  yearly: (time) => String(time.getUTCFullYear()),
}

/** The time whose fields in UTC are those of the given one in the zone. */
function localFields(timezone: string): (time: Date) => Date {
  const numbers = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' } as const
  const format = new Intl.DateTimeFormat('en', {
    timeZone: timezone,
    hourCycle: 'h23',
    calendar: 'iso8601',
    numberingSystem: 'latn',
    ...numbers,
  })
  return (time) => {
    const field = new Map(format.formatToParts(time).map(({ type, value }) => [type, Number(value)]))
    const at = (name: Intl.DateTimeFormatPartTypes): number => field.get(name) ?? 0
    return new Date(Date.UTC(at('year'), at('month') - 1, at('day'), at('hour'), at('minute'), at('second'), time.getUTCMilliseconds()))
  }
}

/** The week belongs to the year that has its Thursday. */
function isoWeek(time: Date): string {
  const thursday = new Date(Date.UTC(time.getUTCFullYear(), time.getUTCMonth(), time.getUTCDate() + 3 - ((time.getUTCDay() + 6) % 7)))
  const firstDay = Date.UTC(thursday.getUTCFullYear(), 0, 1)
  const week = Math.floor((thursday.getTime() - firstDay) / (7 * 86_400_000)) + 1
  return `${thursday.getUTCFullYear()}-W${String(week).padStart(2, '0')}`
}
