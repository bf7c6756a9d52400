/** Bytes written and read again by this package alone, from one thread to another: numbers as varints of seven bits, little end first. */
export interface RecordWriter {
  bytes: Uint8Array
  length: number
}

export function recordWriter(): RecordWriter {
  return { bytes: new Uint8Array(64 << 10), length: 0 }
}

function reserve(out: RecordWriter, more: number): void {
  if (out.length + more <= out.bytes.length) return
  const larger = new Uint8Array(Math.max(out.bytes.length * 2, out.length + more))
  larger.set(out.bytes.subarray(0, out.length))
  out.bytes = larger
}

/** A number from 0 to 2^53. */
export function putNumber(out: RecordWriter, value: number): void {
  reserve(out, 8)
  let rest = value
  for (; rest >= 0x10000000; rest = Math.floor(rest / 128)) out.bytes[out.length++] = 128 | (rest % 128)
  for (; rest >= 128; rest >>>= 7) out.bytes[out.length++] = 128 | (rest & 127)
  out.bytes[out.length++] = rest
}

export function putU32(out: RecordWriter, value: number): void {
  reserve(out, 4)
  out.bytes[out.length++] = value
  out.bytes[out.length++] = value >>> 8
  out.bytes[out.length++] = value >>> 16
  out.bytes[out.length++] = value >>> 24
}

/** Length, then the `length` bytes of `view` from `start`. */
export function putBytes(out: RecordWriter, view: DataView, start: number, length: number): void {
  putNumber(out, length)
  reserve(out, length)
  out.bytes.set(new Uint8Array(view.buffer, view.byteOffset + start, length), out.length)
  out.length += length
}

/** The bytes without their length. */
export function putRaw(out: RecordWriter, bytes: Uint8Array): void {
  reserve(out, bytes.length)
  out.bytes.set(bytes, out.length)
  out.length += bytes.length
}

export function putText(out: RecordWriter, text: string): void {
  const bytes = new TextEncoder().encode(text)
  putBytes(out, new DataView(bytes.buffer), 0, bytes.length)
}

export interface RecordReader {
  bytes: Uint8Array
  at: number
}

export function takeNumber(from: RecordReader): number {
  let byte = from.bytes[from.at++]
  if (byte < 128) return byte
  let value = byte & 127
  for (let scale = 128; ; scale *= 128) {
    byte = from.bytes[from.at++]
    value += (byte & 127) * scale
    if (!(byte >= 128)) return value
  }
}

export function takeU32(from: RecordReader): number {
  const { bytes, at } = from
  from.at += 4
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0
}

export function takeBytes(from: RecordReader): Uint8Array {
  const length = takeNumber(from)
  from.at += length
  return from.bytes.subarray(from.at - length, from.at)
}

export function takeText(from: RecordReader): string {
  return new TextDecoder().decode(takeBytes(from))
}
