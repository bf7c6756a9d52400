// CRC-32 Castagnoli, sixteen bytes a step by sixteen tables of 1 KiB ("slicing-by-16", Kounavis and Berry 2005, one
// step on). Measured on Node 26, regions of 3.9 KiB in shared memory: 1.46 µs, against 1.76 for eight tables and 1.71
// for the WebAssembly of hash-wasm, which copies the bytes into its own memory first.
const polynomial = 0x82f63b78

const tables = Array.from({ length: 16 }, () => new Int32Array(256))
for (let byte = 0; byte < 256; byte++) {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1
  tables[0][byte] = crc
}
for (let table = 1; table < 16; table++) {
  for (let byte = 0; byte < 256; byte++) {
    const before = tables[table - 1][byte]
    tables[table][byte] = (before >>> 8) ^ tables[0][before & 255]
  }
}
const [t0, t1, t2, t3, t4, t5, t6, t7, t8, t9, tA, tB, tC, tD, tE, tF] = tables

/** CRC-32C of the bytes of `view` from `start` to `end` (exclusive), unsigned; goes on from `previous`, the CRC of what came before. */
export function crc32c(view: DataView, start: number, end: number, previous = 0): number {
  let crc = ~previous
  let at = start
  for (; end - at >= 16; at += 16) {
    const a = crc ^ view.getInt32(at, true)
    const b = view.getInt32(at + 4, true)
    const c = view.getInt32(at + 8, true)
    const d = view.getInt32(at + 12, true)
    crc =
      tF[a & 255] ^ tE[(a >>> 8) & 255] ^ tD[(a >>> 16) & 255] ^ tC[a >>> 24] ^
      tB[b & 255] ^ tA[(b >>> 8) & 255] ^ t9[(b >>> 16) & 255] ^ t8[b >>> 24] ^
      t7[c & 255] ^ t6[(c >>> 8) & 255] ^ t5[(c >>> 16) & 255] ^ t4[c >>> 24] ^
      t3[d & 255] ^ t2[(d >>> 8) & 255] ^ t1[(d >>> 16) & 255] ^ t0[d >>> 24] // prettier-ignore
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ t0[(crc ^ view.getUint8(at)) & 255]
  return ~crc >>> 0
}

/** a times b modulo the polynomial; bit 31 is x^0, as in the CRC itself. */
function multiply(a: number, b: number): number {
  let product = 0
  let factor = b
  for (let left = a; left !== 0; left <<= 1) {
    product ^= factor & (left >> 31)
    factor = (factor >>> 1) ^ (polynomial & -(factor & 1))
  }
  return product
}

/** x^(8 * 2^i) modulo the polynomial. */
const powers = new Int32Array(53)
powers[0] = 1 << 23
for (let i = 1; i < powers.length; i++) powers[i] = multiply(powers[i - 1], powers[i - 1])

/** x^(8 * bytes), kept for the lengths that the leaves of a page can have; 0 is none of them. */
const shifts = new Int32Array(65536)

function shiftBy(bytes: number): number {
  if (bytes < shifts.length && shifts[bytes] !== 0) return shifts[bytes]
  let shift = 1 << 31
  for (let left = bytes, i = 0; left > 0; left = Math.floor(left / 2), i++) {
    if (left % 2 === 1) shift = multiply(powers[i], shift)
  }
  if (bytes < shifts.length) shifts[bytes] = shift
  return shift
}

/** CRC of A followed by B, from the CRCs of both and the length of B in bytes (as zlib's crc32_combine). */
export function combineCrc32c(a: number, b: number, bytesOfB: number): number {
  if (bytesOfB === 0) return a
  return (multiply(shiftBy(bytesOfB), a) ^ b) >>> 0
}
