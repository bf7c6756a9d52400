const words = [0, 1, 2, 3, 4, 5, 8, 16, 17, 255, 0xffff, 0x7fffffff, 0xffffffff]

/** Xorshift: the same mutations for the same seed. */
export function dice(seed: number): (sides: number) => number {
  let state = seed | 0 || 1
  return (sides) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % sides
  }
}

/** Changes one to four places of `bytes`: bytes, words of headers and elements, whole pages that become those of others. Sometimes cuts it. */
export function mutate(bytes: Uint8Array, pageBytes: number, roll: (sides: number) => number): Uint8Array {
  const view = new DataView(bytes.buffer)
  const pages = Math.floor(bytes.length / pageBytes)
  for (let left = 1 + roll(4); left > 0; left--) {
    const page = roll(pages) * pageBytes
    const kind = roll(6)
    if (kind === 0) bytes[page + roll(80)] = roll(256)
    else if (kind === 1) bytes[roll(bytes.length)] ^= 1 << roll(8)
    else if (kind === 2) view.setUint32(page + 4 * roll(32), words[roll(words.length)], true)
    else if (kind === 3) view.setUint16(page + 8 + 2 * roll(2), words[roll(words.length)], true)
    else if (kind === 4) view.setUint32(page + 24 + 16 * roll(8), roll(pages + 2), true)
    else {
      const from = roll(pages) * pageBytes
      bytes.copyWithin(page, from, from + pageBytes)
      if (roll(2)) view.setUint32(page, page / pageBytes, true)
    }
  }
  return roll(10) === 0 ? bytes.slice(0, roll(bytes.length + 1)) : bytes
}
