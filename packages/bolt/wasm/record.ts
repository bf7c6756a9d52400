/** Where the next byte goes. */
export let out: u32 = 0

export function writeAt(place: u32): void {
  out = place
}

/** As `putNumber` of src/record.ts. */
export function putNumber(value: u64): void {
  let rest = value
  for (; rest >= 128; rest >>>= 7) store<u8>(out++, 128 | (rest & 127))
  store<u8>(out++, rest)
}

export function putU32(value: u32): void {
  store<u32>(out, value)
  out += 4
}
