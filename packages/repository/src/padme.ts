/**
 * The next size on a Padmé step: at most 12 % more, and so few steps that a size tells O(log log size) bits.
 * Source: Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs", 2019, algorithm 1.
 */
export function padme(bytes: number): number {
  if (bytes < 2) return bytes
  const exponent = 31 - Math.clz32(bytes)
  const step = 2 ** (exponent - (32 - Math.clz32(exponent)))
  return step <= 1 ? bytes : Math.ceil(bytes / step) * step
}
