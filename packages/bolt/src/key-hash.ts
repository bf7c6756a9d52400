/** Two lanes of 32 bits, the last result of `hashKey`. */
export const keyHash = { low: 0, high: 0 }

/**
 * Hashes the `bytes` at `at` into `keyHash`: 64 bits, four bytes a step in two lanes that mix differently, each closed
 * by the finalizer of MurmurHash3. It tells keys apart while they are counted (63 bits of it: 16 million keys
 * collide with a chance of 1 in 65,000); the seed keeps anybody from choosing keys that collide.
 */
export function hashKey(view: DataView, at: number, bytes: number, seed: number): void {
  let low = seed ^ Math.imul(bytes, 0x9e3779b1)
  let high = Math.imul(seed, 0x85ebca77) ^ bytes
  const end = at + bytes
  for (; end - at >= 4; at += 4) {
    const word = view.getInt32(at, true)
    low = Math.imul(low ^ word, 0xcc9e2d51)
    low ^= low >>> 15
    high = Math.imul(high + word, 0x1b873593)
    high = (high << 13) | (high >>> 19)
  }
  let rest = 0
  for (; at < end; at++) rest = (rest << 8) | view.getUint8(at)
  low = finish(low ^ Math.imul(rest, 0x27d4eb2f))
  high = finish(high + Math.imul(rest, 0x165667b1))
  keyHash.low = low >>> 0
  keyHash.high = high >>> 0
}

function finish(hash: number): number {
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}
