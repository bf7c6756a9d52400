import { decode, encode } from '../msgpack.ts'
import { bin, count, isMapOf, isText } from '../shape.ts'
import { fileStart, saltBytes, sealTagBytes } from './record-seal.ts'

/** Records of a stream: 1 TiB of it. */
export const maxRecords = 2 ** 20
export const maxRecordBytes = 4 * 2 ** 20
/** Before the first record. */
export const headerBytes = fileStart.length + saltBytes
/** Where the sealed index begins, u64. */
export const footerBytes = 8
/** Of the sealed index: 4 bytes a record, and what else is in it. */
export const maxIndexBytes = 4 * maxRecords + 1024

/** What the records of a file are of, and where they lie. */
export interface RecordIndex {
  /** Id of the snapshot, in hex. */
  readonly snapshot: string
  readonly epoch: number
  /** Of the code that made them. */
  readonly version: string
  /** Plain bytes of each record. */
  readonly lengths: readonly number[]
}

const isIndex = isMapOf({ snapshot: bin(32), epoch: count(0xffff_ffff), version: isText, lengths: bin() })

export function encodeIndex({ snapshot, lengths, ...other }: RecordIndex): Buffer {
  const column = Buffer.alloc(lengths.length * 4)
  for (const [at, length] of lengths.entries()) column.writeUInt32LE(length, at * 4)
  return encode({ ...other, snapshot: Buffer.from(snapshot, 'hex'), lengths: column })
}

/**
 * @param end where the last record must end
 * @throws RangeError when they are no index of records that fill a file up to there
 */
export function decodeIndex(bytes: Uint8Array, end: number): RecordIndex {
  const index = decode(bytes)
  if (!isIndex(index)) throw new RangeError('an index has another shape')
  const { snapshot, epoch, version, lengths: column } = index as { snapshot: Buffer; epoch: number; version: string; lengths: Uint8Array }
  const view = new DataView(column.buffer, column.byteOffset, column.length)
  const lengths = Array.from({ length: Math.ceil(column.length / 4) }, (_, at) => view.getUint32(at * 4, true))
  if (lengths.length > maxRecords || lengths.some((length) => length > maxRecordBytes))
    throw new RangeError('an index is beyond its bounds')
  if (recordStarts(lengths).at(-1) !== end) throw new RangeError('the records do not end where the index begins')
  return { snapshot: Buffer.from(snapshot).toString('hex'), epoch, version, lengths }
}

/** Where in the file each sealed record begins, and after the last one the index. */
export function recordStarts(lengths: readonly number[]): Float64Array {
  const starts = new Float64Array(lengths.length + 1).fill(headerBytes)
  for (const [at, length] of lengths.entries()) starts[at + 1] = starts[at] + length + sealTagBytes
  return starts
}
