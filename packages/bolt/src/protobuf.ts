import { BoltError } from './errors.ts'

/** A field: its number, and its value as a number of 64 bits or as bytes that still belong to the message. */
export interface Field {
  readonly number: number
  readonly value: bigint | Uint8Array
}

/**
 * Fields of a protocol buffers message in their order. Groups, which no message of etcd has, are refused.
 * @throws BoltError schema
 */
export function* readFields(bytes: Uint8Array): Generator<Field> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const cursor: FieldCursor = { at: 0, number: 0, wire: 0, start: 0, value: 0 }
  while (cursor.at < bytes.length) {
    if (!nextField(view, cursor, bytes.length))
      throw new BoltError('schema', `not a protocol buffers message at byte ${cursor.at} of ${bytes.length}`)
    const { number, wire, start, value } = cursor
    if (wire === 2) yield { number, value: bytes.subarray(start, start + value) }
    else if (wire === 1) yield { number, value: view.getBigUint64(start, true) }
    else if (wire === 5) yield { number, value: BigInt(view.getUint32(start, true)) }
    else yield { number, value: readVarint(view, start) }
  }
}

function readVarint(view: DataView, start: number): bigint {
  let value = 0n
  for (let at = start, shift = 0n; ; at++, shift += 7n) {
    const byte = view.getUint8(at)
    value |= BigInt(byte & 127) << shift
    if (byte < 128) return BigInt.asUintN(64, value)
  }
}

/** Where the next field is read from, and what the last one was. */
export interface FieldCursor {
  at: number
  number: number
  wire: number
  /** Where its value begins. */
  start: number
  /** Bytes of its value. */
  value: number
}

/** Steps over one field without making anything of it; false when it is malformed or ends after `end`. */
export function nextField(view: DataView, cursor: FieldCursor, end: number): boolean {
  const tag = smallVarint(view, cursor, end)
  if (tag < 8) return false
  cursor.number = tag >>> 3
  cursor.wire = tag & 7
  switch (cursor.wire) {
    case 0:
      cursor.start = cursor.at
      if (smallVarint(view, cursor, end, 10) < 0) return false
      cursor.value = cursor.at - cursor.start
      return true
    case 2:
      cursor.value = smallVarint(view, cursor, end)
      if (cursor.value < 0) return false
      break
    case 1:
      cursor.value = 8
      break
    case 5:
      cursor.value = 4
      break
    default:
      return false
  }
  cursor.start = cursor.at
  cursor.at += cursor.value
  return cursor.at <= end
}

/** A varint below 2^31; -1 when it is larger or has more bytes than there are. With `longest` 10, any varint, its value unsaid. */
function smallVarint(view: DataView, cursor: FieldCursor, end: number, longest = 5): number {
  let value = 0
  for (let shift = 0, count = 0; count < longest; count++, shift += 7) {
    if (cursor.at >= end) return -1
    const byte = view.getUint8(cursor.at++)
    if (shift < 28) value |= (byte & 127) << shift
    else if (longest === 5) {
      if (byte > 7) return -1
      value |= byte << shift
    }
    if (byte < 128) return value
  }
  return -1
}
