import { isRevision, mainOf, readRevision, subOf } from './revision.ts'
import type { Revision } from './revision.ts'
import type { ElementTable } from './page.ts'
import { putBytes, putNumber, takeBytes, takeNumber } from './record.ts'
import type { RecordReader, RecordWriter } from './record.ts'

/** A key as the order checks hold it: a revision as numbers, anything else as its bytes. */
export type OrderedKey = Revision | Uint8Array

/** Bytewise order, the shorter first when one is the beginning of the other: below, at or above 0. */
export function compareKeys(a: OrderedKey, b: OrderedKey): number {
  if (a instanceof Uint8Array || b instanceof Uint8Array) return Buffer.compare(keyBytes(a), keyBytes(b))
  return a.main - b.main || a.sub - b.sub || Number(a.tombstone) - Number(b.tombstone)
}

function keyBytes(key: OrderedKey): Uint8Array {
  if (key instanceof Uint8Array) return key
  const bytes = new Uint8Array(key.tombstone ? 18 : 17)
  const view = new DataView(bytes.buffer)
  view.setBigUint64(0, BigInt(key.main))
  bytes[8] = 0x5f
  view.setBigUint64(9, BigInt(key.sub))
  if (key.tombstone) bytes[17] = 0x74
  return bytes
}

export function orderedKey(bytes: Uint8Array): OrderedKey {
  return readRevision(bytes) ?? bytes
}

/** Writes a key; a revision as the difference to `base`, the main revision of one that stands before it. */
export function putKey(out: RecordWriter, view: DataView, start: number, length: number, base: number): number {
  if (isRevision(view, start, length)) {
    const main = mainOf(view, start)
    if (main >= base) {
      putNumber(out, length === 17 ? 1 : 2)
      putNumber(out, main - base)
      putNumber(out, subOf(view, start))
      return main
    }
  }
  putNumber(out, 0)
  putBytes(out, view, start, length)
  return base
}

export function takeKey(from: RecordReader, base: number): OrderedKey {
  const kind = takeNumber(from)
  if (kind === 0) return takeBytes(from)
  const main = base + takeNumber(from)
  return { main, sub: takeNumber(from), tombstone: kind === 2 }
}

/** Order of the keys of two elements of a page. */
export function compareElements(view: DataView, table: ElementTable, a: number, b: number): number {
  const key = (i: number) => new Uint8Array(view.buffer, view.byteOffset + table.cells[4 * i + 1], table.cells[4 * i + 2])
  return Buffer.compare(key(a), key(b))
}
