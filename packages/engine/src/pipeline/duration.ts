const unitMs: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** Milliseconds of `60` (seconds), `60s`, `1.5m`, `2h` or `500ms`; undefined for anything else and for nothing at all. */
export function durationMs(duration: string | number): number | undefined {
  const [, count, unit = 's'] = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h)?$/.exec(String(duration).trim()) ?? []
  const ms = Math.round(Number(count) * (unitMs[unit] ?? NaN))
  return ms > 0 && ms <= 2 ** 31 - 1 ? ms : undefined
}
