/** What is remembered of a segment of pages. */
export interface SegmentRecord {
  /** Place of the segment in the stream, in bytes. */
  readonly position: number
  /** Length of the segment. */
  readonly bytes: number
  /** 32 bytes for each of its whole pages. */
  readonly prints: Uint8Array
  /** Empty where nobody looked. */
  readonly look: Uint8Array
}

const headerBytes = 32
/** Another one when prints are made in another way. */
const format = 1

/** position u64 | bytes u32 | length of the prints u32 | length of the look u32 | format u32 | 8 zero bytes | prints | look. */
export function encodeRecord({ position, bytes, prints, look }: SegmentRecord): Uint8Array {
  const record = new Uint8Array(headerBytes + prints.length + look.length)
  const header = new DataView(record.buffer)
  header.setBigUint64(0, BigInt(position), true)
  header.setUint32(8, bytes, true)
  header.setUint32(12, prints.length, true)
  header.setUint32(16, look.length, true)
  header.setUint32(20, format, true)
  record.set(prints, headerBytes)
  record.set(look, headerBytes + prints.length)
  return record
}

/** Its parts as views; undefined when it has another format, or lengths that do not fit together. */
export function decodeRecord(record: Uint8Array): SegmentRecord | undefined {
  if (record.length < headerBytes) return undefined
  const header = new DataView(record.buffer, record.byteOffset, headerBytes)
  const [prints, look] = [header.getUint32(12, true), header.getUint32(16, true)]
  if (header.getUint32(20, true) !== format || headerBytes + prints + look !== record.length) return undefined
  return {
    position: Number(header.getBigUint64(0, true)),
    bytes: header.getUint32(8, true),
    prints: record.subarray(headerBytes, headerBytes + prints),
    look: record.subarray(headerBytes + prints),
  }
}
