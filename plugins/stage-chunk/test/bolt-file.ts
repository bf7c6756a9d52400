const fnv1a64 = (bytes: Uint8Array) => {
  let hash = 0xcbf29ce484222325n
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n)
  return hash
}

/** The first 64 KiB of a bbolt file with two valid meta pages. */
export function boltHead(pageBytes: number): Uint8Array {
  const head = new Uint8Array(Math.max(65536, pageBytes * 2))
  for (const page of [0, 1]) {
    const view = new DataView(head.buffer, page * pageBytes, 80)
    view.setBigUint64(0, BigInt(page), true)
    view.setUint16(8, 4, true)
    view.setUint32(16, 0xed0cdaed, true)
    view.setUint32(20, 2, true)
    view.setUint32(24, pageBytes, true)
    view.setBigUint64(72, fnv1a64(head.subarray(page * pageBytes + 16, page * pageBytes + 72)), true)
  }
  return head.subarray(0, 65536)
}
