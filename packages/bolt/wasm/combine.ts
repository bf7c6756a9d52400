// As combineCrc32c of src/crc32c.ts: b after a is a times x^(8 * bytes of b), plus b, modulo the polynomial. Bit 31 is x^0.

const polynomial: u32 = 0x82f63b78
/** Four tables of 1 KiB: what 32 bits become when 32 zeros follow. */
const reduceTables: u32 = 0
/** x^(8 * bytes) for lengths below `shortest`. */
const shifts: u32 = 4 << 10
const shortBits: u32 = 12
const shortest: u32 = 1 << shortBits
/** x^(8 * shortest * 2^i), for the other bits of a length of 53. */
const powerCount: u32 = 53 - shortBits
const powers: u32 = 20 << 10
/** First byte behind the tables. */
export const tableBytes: u32 = 21 << 10

/** Fills the tables, once. */
export function makeTables(): void {
  for (let byte: u32 = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1
    store<u32>(reduceTables + (byte << 2), crc)
  }
  for (let at = reduceTables; at < reduceTables + (3 << 10); at += 4) store<u32>(at, byteOn(load<u32>(at)), 1 << 10)
  let shift: u32 = 1 << 31
  for (let bytes: u32 = 0; bytes < shortest; bytes++) {
    store<u32>(shifts + (bytes << 2), shift)
    shift = byteOn(shift)
  }
  for (let i: u32 = 0; i < powerCount; i++) {
    store<u32>(powers + (i << 2), shift)
    shift = multiply(shift, shift)
  }
}

/** CRC of A followed by B, from the CRCs of both and the length of B in bytes. */
export function combine(a: u32, b: u32, bytesOfB: u64): u32 {
  let shifted = multiply(load<u32>(shifts + ((u32(bytesOfB) & (shortest - 1)) << 2)), a)
  for (let left = bytesOfB >>> shortBits, i: u32 = 0; left > 0; left >>>= 1, i++) {
    if (left & 1) shifted = multiply(load<u32>(powers + (i << 2)), shifted)
  }
  return shifted ^ b
}

/** A CRC when a byte of zeros follows. */
@inline
function byteOn(crc: u32): u32 {
  return (crc >>> 8) ^ load<u32>(reduceTables + ((crc & 255) << 2))
}

/** Every fourth bit from bit `i` on. */
@inline
function quarter(bits: u64, i: u64): u64 {
  return bits & (0x1111111111111111 << i)
}

/** Multiplies without carries: of numbers that have every fourth bit at most, eight in all, carries stay in the three between. */
function multiply(a: u32, b: u32): u32 {
  const a0 = quarter(a, 0)
  const a1 = quarter(a, 1)
  const a2 = quarter(a, 2)
  const a3 = quarter(a, 3)
  const b0 = quarter(b, 0)
  const b1 = quarter(b, 1)
  const b2 = quarter(b, 2)
  const b3 = quarter(b, 3)
  const product =
    quarter((a0 * b0) ^ (a1 * b3) ^ (a2 * b2) ^ (a3 * b1), 0) |
    quarter((a0 * b1) ^ (a1 * b0) ^ (a2 * b3) ^ (a3 * b2), 1) |
    quarter((a0 * b2) ^ (a1 * b1) ^ (a2 * b0) ^ (a3 * b3), 2) |
    quarter((a0 * b3) ^ (a1 * b2) ^ (a2 * b1) ^ (a3 * b0), 3)
  // Bit 62 is x^0 now, and what is beyond x^31 lies in the low bits.
  const high = u32(product << 1)
  return (
    u32(product >>> 31) ^
    load<u32>(reduceTables + ((high & 255) << 2), 3 << 10) ^
    load<u32>(reduceTables + (((high >>> 8) & 255) << 2), 2 << 10) ^
    load<u32>(reduceTables + (((high >>> 16) & 255) << 2), 1 << 10) ^
    load<u32>(reduceTables + ((high >>> 24) << 2))
  )
}
