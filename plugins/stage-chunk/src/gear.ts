/** First state of the generator below: the letters `kpip`. */
const seed = 0x6b706970

/**
 * One random number of 32 bits for each byte, made by splitmix32 (state += 0x9e3779b9, then two xor-shift-multiply
 * rounds) from a fixed seed. Part of what a plan id `fastcdc/…` means: another table would cut elsewhere.
 */
export const gear: Int32Array = splitmix32(seed, 256)

function splitmix32(first: number, count: number): Int32Array {
  let state = first
  return Int32Array.from({ length: count }, () => {
    state = (state + 0x9e3779b9) | 0
    let mixed = state ^ (state >>> 16)
    mixed = Math.imul(mixed, 0x21f0aaad)
    mixed ^= mixed >>> 15
    mixed = Math.imul(mixed, 0x735a2d97)
    return mixed ^ (mixed >>> 15)
  })
}
