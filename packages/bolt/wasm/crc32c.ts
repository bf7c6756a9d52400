import { crcTables, shiftTables } from './memory'

const polynomial: u32 = 0x82f63b78
/** Bytes of each of the three blocks that are summed up side by side, for a table waits for the one before and three do not. */
const block: u32 = 256

/** Fills the tables, once. */
export function makeTables(): void {
  for (let byte: u32 = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1
    store<u32>(crcTables + (byte << 2), crc)
  }
  for (let table: u32 = 1; table < 8; table++) {
    for (let byte: u32 = 0; byte < 256; byte++) {
      const before = load<u32>(crcTables + ((table - 1) << 10) + (byte << 2))
      store<u32>(crcTables + (table << 10) + (byte << 2), (before >>> 8) ^ load<u32>(crcTables + ((before & 255) << 2)))
    }
  }
  for (let table: u32 = 0; table < 4; table++) {
    for (let byte: u32 = 0; byte < 256; byte++) {
      let crc = byte << (table << 3)
      for (let zeros: u32 = 0; zeros < block; zeros++) crc = (crc >>> 8) ^ load<u32>(crcTables + ((crc & 255) << 2))
      store<u32>(shiftTables + (table << 10) + (byte << 2), crc)
    }
  }
}

/** CRC-32C of the bytes from `start` to `end`, going on from that of what came before. */
export function crc32c(start: u32, end: u32, previous: u32): u32 {
  let at = start
  let crc = ~previous
  for (; end - at >= 3 * block; at += 3 * block) {
    let second: u32 = 0
    let third: u32 = 0
    for (let stop = at + block; at < stop; at += 8) {
      crc = step(load<u64>(at) ^ u64(crc))
      second = step(load<u64>(at, 256) ^ u64(second))
      third = step(load<u64>(at, 512) ^ u64(third))
    }
    at -= block
    crc = shift(shift(crc) ^ second) ^ third
  }
  for (; end - at >= 8; at += 8) crc = step(load<u64>(at) ^ u64(crc))
  for (; at < end; at++) crc = (crc >>> 8) ^ load<u32>(crcTables + (((crc ^ load<u8>(at)) & 255) << 2))
  return ~crc
}

/** The CRC after eight bytes that it was already added to. */
@inline
function step(bytes: u64): u32 {
  return (
    table(7, bytes) ^ table(6, bytes >>> 8) ^ table(5, bytes >>> 16) ^ table(4, bytes >>> 24) ^
    table(3, bytes >>> 32) ^ table(2, bytes >>> 40) ^ table(1, bytes >>> 48) ^ table(0, bytes >>> 56) // prettier-ignore
  )
}

@inline
function table(number: u32, byte: u64): u32 {
  return load<u32>(crcTables + (number << 10) + (u32(byte & 255) << 2))
}

/** What a CRC becomes when a block of zeros follows. */
@inline
function shift(crc: u32): u32 {
  return (
    load<u32>(shiftTables + ((crc & 255) << 2)) ^
    load<u32>(shiftTables + (((crc >>> 8) & 255) << 2), 1 << 10) ^
    load<u32>(shiftTables + (((crc >>> 16) & 255) << 2), 2 << 10) ^
    load<u32>(shiftTables + ((crc >>> 24) << 2), 3 << 10)
  )
}
