/** Numbers the distinct user keys by their hashes: about 16 to 24 bytes a key. */
export interface UserKeys {
  readonly count: number
  /** Number of the key with this hash, a new one when it is not known; the lowest bit of `low` does not count. */
  number(low: number, high: number): number
}

const noKey = 0xffffffff

/** Open addressing with linear probing, at most half full. */
export function userKeys(): UserKeys {
  let slots = new Uint32Array(4096).fill(noKey)
  let hashes = new Uint32Array(2 * 1024)
  let count = 0

  function widen(): void {
    const wider = new Uint32Array(slots.length * 2).fill(noKey)
    const mask = wider.length - 1
    for (let key = 0; key < count; key++) {
      let slot = hashes[2 * key + 1] & mask
      while (wider[slot] !== noKey) slot = (slot + 1) & mask
      wider[slot] = key
    }
    slots = wider
  }

  return {
    get count() {
      return count
    },
    number(low, high) {
      const lowHash = (low & ~1) >>> 0
      const mask = slots.length - 1
      let slot = high & mask
      for (let key = slots[slot]; key !== noKey; key = slots[slot]) {
        if (hashes[2 * key] === lowHash && hashes[2 * key + 1] === high) return key
        slot = (slot + 1) & mask
      }
      if (2 * count === hashes.length) {
        const larger = new Uint32Array(hashes.length + Math.max(2048, hashes.length >> 2 << 1)) // prettier-ignore
        larger.set(hashes)
        hashes = larger
      }
      slots[slot] = count
      hashes[2 * count] = lowHash
      hashes[2 * count + 1] = high
      if (2 * ++count > slots.length) widen()
      return count - 1
    },
  }
}
