import { decodePackNumbers, encodePackNumbers, packNumber } from '../log/pack-numbers.ts'
import { VarintReader, VarintWriter } from '../varint.ts'

// Columns of a checkpoint. Reading them throws a RangeError when they are not what this version writes.

const placesPerEntry = packNumber(1, 0)

/** The log entry that brought a pack. */
export function entryOf(packNumber: number): number {
  return Math.floor(packNumber / placesPerEntry)
}

/** @throws RangeError */
export function demand(fits: boolean, why: string): asserts fits {
  if (!fits) throw new RangeError(why)
}

/** A bin. @throws RangeError */
export function column(value: unknown): Buffer {
  demand(value instanceof Uint8Array, 'a column is missing')
  return Buffer.from(value.buffer, value.byteOffset, value.length)
}

/** `count` pieces of one width. @throws RangeError */
export function sliced(value: unknown, width: number, count: number): Buffer[] {
  const bytes = column(value)
  demand(bytes.length === count * width, 'a column has another length')
  return Array.from({ length: count }, (_, at) => bytes.subarray(at * width, (at + 1) * width))
}

/** Pieces of one width in hex, as many as there are. @throws RangeError */
export function slicedHex(value: unknown, width: number): string[] {
  const bytes = column(value)
  demand(bytes.length % width === 0, 'a column has another length')
  const hex = bytes.toString('hex')
  return Array.from({ length: bytes.length / width }, (_, at) => hex.slice(at * width * 2, (at + 1) * width * 2))
}

export function varints(numbers: Iterable<number>): Buffer {
  const writer = new VarintWriter()
  for (const number of numbers) writer.push(number)
  return writer.finish()
}

/** Exactly `count` numbers. @throws RangeError */
export function readVarints(value: unknown, count: number): number[] {
  const bytes = column(value)
  // A number takes a byte at the least: no more room than that for what is counted elsewhere.
  demand(count <= bytes.length, 'a column has another length')
  const reader = new VarintReader(bytes)
  const numbers = Array.from({ length: count }, () => reader.next())
  demand(reader.done, 'a column has another length')
  return numbers
}

/** For each of some packs the entry that did something to it. */
export interface StoredEntries {
  /** A column of pack numbers. */
  readonly packs: Uint8Array
  /** A varint column. */
  readonly entries: Uint8Array
}

export function encodeEntries(map: ReadonlyMap<number, number>): StoredEntries {
  const sorted = [...map].toSorted(([one], [other]) => one - other)
  return { packs: encodePackNumbers(sorted.map(([pack]) => pack)), entries: varints(sorted.map(([, entry]) => entry)) }
}

/** @throws RangeError */
export function decodeEntries(stored: StoredEntries): Map<number, number> {
  const packs = decodePackNumbers(column(stored.packs))
  const entries = readVarints(stored.entries, packs.length)
  return new Map(packs.map((pack, at) => [pack, entries[at]]))
}

/** For each of some ids or tags a list of packs, in an order of its own. */
export interface StoredLists {
  /** All of one width. */
  readonly keys: Uint8Array
  /** Varint columns: packs a key; then their numbers. */
  readonly counts: Uint8Array
  readonly packs: Uint8Array
}

export function encodeLists(map: ReadonlyMap<string, readonly number[]>): StoredLists {
  const sorted = [...map].toSorted(([one], [other]) => (one < other ? -1 : 1))
  return {
    keys: Buffer.from(sorted.map(([key]) => key).join(''), 'hex'),
    counts: varints(sorted.map(([, packs]) => packs.length)),
    packs: varints(sorted.flatMap(([, packs]) => packs)),
  }
}

/** @throws RangeError */
export function decodeLists(stored: StoredLists, keyBytes: number): Map<string, number[]> {
  const keys = slicedHex(stored.keys, keyBytes)
  const counts = readVarints(stored.counts, keys.length)
  const packs = readVarints(
    stored.packs,
    counts.reduce((sum, count) => sum + count, 0),
  )
  let place = 0
  return new Map(keys.map((key, at) => [key, packs.slice(place, (place += counts[at]))]))
}
