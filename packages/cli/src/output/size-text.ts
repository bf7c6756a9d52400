const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'] as const

/**
 * Bytes for people, exactly as etcdctl and etcdutl write them (dustin/go-humanize, base 1000): two significant digits
 * below 10 of a unit, whole numbers above, `N B` below 10 bytes.
 */
export function sizeText(bytes: number): string {
  if (bytes < 10) return `${bytes} B`
  const exponent = Math.floor(Math.log(bytes) / Math.log(1000))
  const value = Math.floor((bytes / 1000 ** exponent) * 10 + 0.5) / 10
  return `${value < 10 ? value.toFixed(1) : roundHalfEven(value)} ${units[exponent]}`
}

/** What Go's `%.0f` does with a half. */
function roundHalfEven(value: number): number {
  const below = Math.floor(value)
  if (value - below !== 0.5) return Math.round(value)
  return below % 2 === 0 ? below : below + 1
}
