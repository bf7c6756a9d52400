/** What the last `hashUserKey` found: 64 bits in two lanes. */
export let low: u32 = 0
export let high: u32 = 0

/** Where a field is read from, and what the last one was. */
let at: u32 = 0
let wire: u32 = 0
let number: u32 = 0
let fieldStart: u32 = 0
let fieldBytes: u32 = 0

/** As `hashUserKey` of src/user-key.ts: the user key of the KeyValue from `start` to `end`; false when it is none. */
export function hashUserKey(start: u32, end: u32, seed: u32): bool {
  let key = start
  let keyBytes: u32 = 0
  at = start
  while (at < end) {
    if (!nextField(end)) return false
    if (number !== 1) continue
    if (wire !== 2) return false
    key = fieldStart
    keyBytes = fieldBytes
  }
  hashKey(key, keyBytes, seed)
  return true
}

function hashKey(start: u32, bytes: u32, seed: u32): void {
  let a: u32 = seed ^ (bytes * 0x9e3779b1)
  let b: u32 = (seed * 0x85ebca77) ^ bytes
  const end = start + bytes
  let from = start
  for (; end - from >= 4; from += 4) {
    const word = load<u32>(from)
    a = (a ^ word) * 0xcc9e2d51
    a ^= a >>> 15
    b = rotl<u32>((b + word) * 0x1b873593, 13)
  }
  let rest: u32 = 0
  for (; from < end; from++) rest = (rest << 8) | load<u8>(from)
  low = finish(a ^ (rest * 0x27d4eb2f))
  high = finish(b + rest * 0x165667b1)
}

function finish(hash: u32): u32 {
  hash = (hash ^ (hash >>> 16)) * 0x85ebca6b
  hash = (hash ^ (hash >>> 13)) * 0xc2b2ae35
  return hash ^ (hash >>> 16)
}

/** Steps over one field; false when it is malformed or ends after `end`. */
function nextField(end: u32): bool {
  const tag = smallVarint(end, 5)
  if (tag < 8) return false
  number = u32(tag) >>> 3
  wire = u32(tag) & 7
  let bytes: i32
  if (wire === 2) {
    bytes = smallVarint(end, 5)
    if (bytes < 0) return false
  } else if (wire === 0) {
    fieldStart = at
    if (smallVarint(end, 10) < 0) return false
    fieldBytes = at - fieldStart
    return true
  } else if (wire === 1) bytes = 8
  else if (wire === 5) bytes = 4
  else return false
  fieldStart = at
  fieldBytes = bytes
  if (u32(bytes) > end - at) return false
  at += bytes
  return true
}

/** A varint below 2^31; -1 when it is larger or has more bytes than there are. With `longest` 10, any varint, its value unsaid. */
function smallVarint(end: u32, longest: u32): i32 {
  let value: u32 = 0
  for (let count: u32 = 0; count < longest; count++) {
    if (at >= end) return -1
    const byte: u32 = load<u8>(at++)
    if (count < 4) value |= (byte & 127) << (count * 7)
    else if (longest === 5) {
      if (byte > 7) return -1
      value |= byte << 28
    }
    if (byte < 128) return value
  }
  return -1
}
