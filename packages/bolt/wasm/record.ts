// As `records` and `leaves` of src/look-format.ts.
export const unreadRecord: u32 = 2
export const metaRecord: u32 = 3
export const branchRecord: u32 = 4
export const leafRecord: u32 = 5
export const freelistRecord: u32 = 6
export const emptyLeaf: u32 = 0
export const rowsLeaf: u32 = 1
export const itemsLeaf: u32 = 2
export const bucketsLeaf: u32 = 3

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
