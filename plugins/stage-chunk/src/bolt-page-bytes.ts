// Layout: bbolt's internal/common/page.go and meta.go. A page begins with a header of 16 bytes (flags at 8), a meta
// page goes on with 64 bytes: magic, version, page size, …, and FNV-1a 64 of the 56 bytes before it.
const pageHeaderBytes = 16
const metaBytes = 64
const metaPageFlag = 4
const magic = 0xed0cdaed
const version = 2

const smallestPageBytes = 512
const largestPageBytes = 65536

/** Page size of the bbolt file that begins with `head`: by meta page 0, else by meta page 1; undefined when neither is valid. */
export function boltPageBytes(head: Uint8Array): number | undefined {
  const first = metaPageBytes(head, 0)
  if (first !== undefined) return first
  for (let pageBytes = smallestPageBytes; pageBytes <= largestPageBytes; pageBytes *= 2) {
    if (metaPageBytes(head, pageBytes) === pageBytes) return pageBytes
  }
  return undefined
}

function metaPageBytes(head: Uint8Array, position: number): number | undefined {
  if (head.length < position + pageHeaderBytes + metaBytes) return undefined
  const view = new DataView(head.buffer, head.byteOffset + position, pageHeaderBytes + metaBytes)
  if (view.getUint16(8, true) !== metaPageFlag) return undefined
  if (view.getUint32(16, true) !== magic || view.getUint32(20, true) !== version) return undefined
  if (view.getBigUint64(72, true) !== fnv1a64(head.subarray(position + 16, position + 72))) return undefined
  const pageBytes = view.getUint32(24, true)
  const usable = pageBytes >= smallestPageBytes && pageBytes <= largestPageBytes && (pageBytes & (pageBytes - 1)) === 0
  return usable ? pageBytes : undefined
}

function fnv1a64(bytes: Uint8Array): bigint {
  let hash = 0xcbf29ce484222325n
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n)
  return hash
}
