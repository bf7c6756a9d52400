// NH, the universal hash of UMAC (Black and others, 1999; RFC 4418), in four passes over each page. Whoever does not know the key
// finds two pages with the same print with a chance of 2^-128, whatever he writes into them.

/** Bytes of a print: 64 bits of each pass. */
const printBytes: u32 = 32
/** By which the key of a pass is ahead of that of the one before. */
const passStep: u32 = 16
/** Bytes that are taken in a step: pairs of u32 are 16 bytes apart. */
const stepBytes: u32 = 32

/**
 * Prints of `pages` pages at `pagesAt`, each a multiple of 32 bytes long, to `printsAt`; for each a byte at `sameAt` that tells whether it is the one at `earlierAt`.
 * The key has the length of a page and 48 bytes more.
 */
export function printPages(keyAt: u32, pagesAt: u32, pages: u32, pageBytes: u32, printsAt: u32, earlierAt: u32, sameAt: u32): void {
  for (let page: u32 = 0; page < pages; page++) {
    printPage(keyAt, pagesAt + page * pageBytes, pageBytes, printsAt + page * printBytes)
    store<u8>(sameAt + page, u8(isSame(printsAt + page * printBytes, earlierAt + page * printBytes)))
  }
}

function printPage(keyAt: u32, start: u32, bytes: u32, printAt: u32): void {
  let first = i64x2.splat(0)
  let second = i64x2.splat(0)
  let third = i64x2.splat(0)
  let fourth = i64x2.splat(0)
  let key = keyAt
  let key0 = v128.load(key)
  let key1 = v128.load(key, 16)
  let key2 = v128.load(key, 32)
  for (let at = start, end = start + bytes; at < end; at += stepBytes, key += stepBytes) {
    const one = v128.load(at)
    const other = v128.load(at, 16)
    const key3 = v128.load(key, 48)
    const key4 = v128.load(key, 64)
    first = add(first, i32x4.add(one, key0), i32x4.add(other, key1))
    second = add(second, i32x4.add(one, key1), i32x4.add(other, key2))
    third = add(third, i32x4.add(one, key2), i32x4.add(other, key3))
    fourth = add(fourth, i32x4.add(one, key3), i32x4.add(other, key4))
    key0 = key2
    key1 = key3
    key2 = key4
  }
  store<u64>(printAt, lanes(first))
  store<u64>(printAt, lanes(second), 8)
  store<u64>(printAt, lanes(third), 16)
  store<u64>(printAt, lanes(fourth), 24)
}

@inline
function add(sum: v128, one: v128, other: v128): v128 {
  return i64x2.add(i64x2.add(sum, i64x2.extmul_low_i32x4_u(one, other)), i64x2.extmul_high_i32x4_u(one, other))
}

@inline
function lanes(sum: v128): u64 {
  return i64x2.extract_lane(sum, 0) + i64x2.extract_lane(sum, 1)
}

@inline
function isSame(one: u32, other: u32): bool {
  const low = v128.eq<u64>(v128.load(one), v128.load(other))
  const high = v128.eq<u64>(v128.load(one, 16), v128.load(other, 16))
  return i64x2.all_true(v128.and(low, high))
}
