import { open } from 'node:fs/promises'
import { crc32c, readFields } from '@kpipe/bolt'

/** Kinds of records. */
export const walTypes = { metadata: 1, entry: 2, hardState: 3, crc: 4, snapshot: 5 } as const

export interface WalRecord {
  readonly type: number
  readonly data: Uint8Array
}

/** How a file of the log ended: `zeros` where etcd goes on writing, `torn` in the middle of a record, and else where what is wrong begins. */
export interface WalEnd {
  readonly kind: 'zeros' | 'torn' | 'damaged'
  readonly position: number
  /** The chain's value, for the next file. */
  readonly crc: number
}

const windowBytes = 1 << 20
/** Longer ones are not etcd's: a request ends at 1.5 MiB unless it is told otherwise. */
const maxRecordBytes = 64 << 20
/** What a disk writes at once; a write that was cut leaves whole ones of zeros. */
const sectorBytes = 512

/**
 * The records of one file of the log, each checked against the chain of CRCs. Frames: u64 LE length, whose top byte says how many zeros
 * pad the record to 8 bytes; then the record: 1 type, 2 crc, 3 data.
 * @param crc where the file before it ended; 0 at the first, whose own first record sets it
 */
export async function* walRecords(file: string, crc: number): AsyncGenerator<WalRecord, WalEnd> {
  const handle = await open(file)
  try {
    const { size } = await handle.stat()
    let window = new Uint8Array(0)
    let windowStart = 0
    const take = async (position: number, length: number): Promise<Uint8Array> => {
      if (position < windowStart || position + length > windowStart + window.length) {
        window = new Uint8Array(Math.min(Math.max(windowBytes, length), size - position))
        windowStart = position
        const { bytesRead } = await handle.read(window, 0, window.length, position)
        window = window.subarray(0, bytesRead)
      }
      return window.subarray(position - windowStart, position - windowStart + length)
    }
    let position = 0
    const end = (kind: WalEnd['kind']): WalEnd => ({ kind, position, crc })
    while (position + 8 <= size) {
      const field = view(await take(position, 8))
      const length = (field.getUint32(4, true) & 0xffffff) * 2 ** 32 + field.getUint32(0, true)
      const top = field.getUint8(7)
      if (length === 0 && top === 0) return end('zeros')
      const frame = length + (top & 0x80 ? top & 7 : 0)
      if (length > maxRecordBytes) return end('damaged')
      if (position + 8 + frame > size) return end('torn')
      const bytes = await take(position + 8, frame)
      const record = bytes.length < frame ? undefined : readRecord(bytes.subarray(0, length))
      if (record === undefined) return end(hasZeroSector(bytes, position + 8) ? 'torn' : 'damaged')
      const next = record.type === walTypes.crc ? record.crc : crc32c(view(record.data), 0, record.data.length, crc)
      if (record.type === walTypes.crc ? crc !== 0 && crc !== record.crc : next !== record.crc)
        return end(hasZeroSector(bytes, position + 8) ? 'torn' : 'damaged')
      crc = next
      position += 8 + frame
      yield record
    }
    return end('zeros')
  } finally {
    await handle.close()
  }
}

function readRecord(bytes: Uint8Array): (WalRecord & { readonly crc: number }) | undefined {
  let [type, crc] = [0, 0]
  let data = new Uint8Array(0)
  try {
    for (const { number, value } of readFields(bytes)) {
      if (number === 1 && typeof value === 'bigint') type = Number(value)
      else if (number === 2 && typeof value === 'bigint') crc = Number(value)
      else if (number === 3 && typeof value !== 'bigint') data = Uint8Array.from(value)
    }
  } catch {
    return undefined // No message at all: what its caller makes of it depends on where it stands.
  }
  return { type, crc, data }
}

/** Whether a whole sector of the file that lies in these bytes, or the part of one, is zero. */
function hasZeroSector(bytes: Uint8Array, position: number): boolean {
  for (let at = 0; at < bytes.length;) {
    const next = Math.min(bytes.length, at + sectorBytes - ((position + at) % sectorBytes))
    if (bytes.subarray(at, next).every((byte) => byte === 0)) return true
    at = next
  }
  return false
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}
