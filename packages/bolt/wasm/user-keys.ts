// Numbers of user keys, as src/user-keys.ts describes them. In memory: the hashes (two words a key, by number), then the slots.

const noKey: u32 = 0xffffffff

let hashesAt: u32 = 0
let slotsAt: u32 = 0
let slots: u32 = 0
export let count: u32 = 0

/** Bytes that a table of so many slots takes, from where it begins: half of the slots are for keys. */
export function tableBytes(wanted: u32): u32 {
  return wanted << 3
}

/** Makes the table anew with `wanted` slots, a power of two; the keys keep their numbers. */
export function widen(at: u32, wanted: u32): void {
  hashesAt = at
  slots = wanted
  slotsAt = at + (wanted << 2)
  memory.fill(slotsAt, 0xff, wanted << 2)
  const mask = wanted - 1
  for (let key: u32 = 0; key < count; key++) {
    let slot = load<u32>(hashesAt + (key << 3), 4) & mask
    while (load<u32>(slotsAt + (slot << 2)) !== noKey) slot = (slot + 1) & mask
    store<u32>(slotsAt + (slot << 2), key)
  }
}

/**
 * Turns rows, two words each, into one word each at the same place: the number of the row's key times two, plus its lowest bit. Returns how
 * many it took: it stops when the table is half full.
 */
export function number(rowsAt: u32, rows: u32, outAt: u32): u32 {
  const mask = slots - 1
  const most = slots >>> 1
  for (let row: u32 = 0; row < rows; row++) {
    const at = rowsAt + (row << 3)
    const low = load<u32>(at)
    const high = load<u32>(at, 4)
    const hash = (u64(high) << 32) | u64(low & ~1)
    let slot = high & mask
    let key = load<u32>(slotsAt + (slot << 2))
    while (key !== noKey && load<u64>(hashesAt + (key << 3)) !== hash) {
      slot = (slot + 1) & mask
      key = load<u32>(slotsAt + (slot << 2))
    }
    if (key === noKey) {
      if (count === most) return row
      key = count++
      store<u32>(slotsAt + (slot << 2), key)
      store<u64>(hashesAt + (key << 3), hash)
    }
    store<u32>(outAt + (row << 2), (key << 1) | (low & 1))
  }
  return rows
}
