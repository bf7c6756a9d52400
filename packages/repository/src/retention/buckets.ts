// A bucket is a period of UTC; times of one bucket have one name.

export const buckets = {
  hourly: (time: Date): string => time.toISOString().slice(0, 13),
  daily: (time: Date): string => time.toISOString().slice(0, 10),
  weekly: isoWeek,
  monthly: (time: Date): string => time.toISOString().slice(0, 7),
  yearly: (time: Date): string => String(time.getUTCFullYear()),
}

/** The week belongs to the year that has its Thursday. */
function isoWeek(time: Date): string {
  const thursday = new Date(Date.UTC(time.getUTCFullYear(), time.getUTCMonth(), time.getUTCDate() + 3 - ((time.getUTCDay() + 6) % 7)))
  const firstDay = Date.UTC(thursday.getUTCFullYear(), 0, 1)
  const week = Math.floor((thursday.getTime() - firstDay) / (7 * 86_400_000)) + 1
  return `${thursday.getUTCFullYear()}-W${String(week).padStart(2, '0')}`
}
