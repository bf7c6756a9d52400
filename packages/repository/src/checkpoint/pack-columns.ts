import { packId } from '../log/new-packs.ts'
import { decodePackNumbers, encodePackNumbers } from '../log/pack-numbers.ts'
import type { LogState, PackRecord } from '../log/state.ts'
import { column, demand, entryOf, readVarints, sliced, varints } from './columns.ts'

const writerBytes = 8
const digestBytes = 32
const classes = { D: 0x44, M: 0x4d } as const

/** All packs that are not swept, by number. */
export interface StoredPacks {
  /** A column of pack numbers. */
  readonly numbers: Uint8Array
  /** 8 bytes for each entry that brought some of them. */
  readonly writers: Uint8Array
  /** u8 a pack. */
  readonly classes: Uint8Array
  /** Varint columns, one number a pack. */
  readonly counters: Uint8Array
  readonly bytes: Uint8Array
  readonly directory_bytes: Uint8Array
  /** SHA-256, 32 bytes a pack. */
  readonly digests: Uint8Array
}

export function encodePacks({ packs }: LogState): StoredPacks {
  const sorted = [...packs.values()].toSorted((one, other) => one.number - other.number)
  const firsts = sorted.filter(({ number }, at) => at === 0 || entryOf(number) !== entryOf(sorted[at - 1].number))
  return {
    numbers: encodePackNumbers(sorted.map(({ number }) => number)),
    writers: Buffer.from(firsts.map(({ id }) => id.slice(0, 2 * writerBytes)).join(''), 'hex'),
    classes: Uint8Array.from(sorted, (pack) => classes[pack.class]),
    counters: varints(sorted.map(({ id }) => Number.parseInt(id.slice(2 * writerBytes), 16))),
    bytes: varints(sorted.map((pack) => pack.bytes)),
    directory_bytes: varints(sorted.map((pack) => pack.directoryBytes)),
    digests: Buffer.concat(sorted.map(({ sha256 }) => sha256)),
  }
}

/** @throws RangeError */
export function decodePacks(stored: StoredPacks): { packs: Map<number, PackRecord>; packsById: Map<string, PackRecord> } {
  const numbers = decodePackNumbers(column(stored.numbers))
  const count = numbers.length
  const [counters, bytes, directoryBytes] = [stored.counters, stored.bytes, stored.directory_bytes].map((each) => readVarints(each, count))
  const writers = column(stored.writers)
  const digests = sliced(stored.digests, digestBytes, count)
  const kinds = column(stored.classes)
  demand(kinds.length === count, 'its packs have not one class each')
  const packs = new Map<number, PackRecord>()
  const packsById = new Map<string, PackRecord>()
  let [entry, place] = [-1, -writerBytes]
  for (let at = 0; at < count; at++) {
    if (entryOf(numbers[at]) !== entry) place += writerBytes
    entry = entryOf(numbers[at])
    const kind = kinds[at] === classes.D ? 'D' : 'M'
    demand(kinds[at] === classes[kind] && place + writerBytes <= writers.length, 'a pack has no class or no writer')
    const id = packId(writers.subarray(place, place + writerBytes), counters[at])
    const pack = {
      number: numbers[at],
      id,
      class: kind,
      bytes: bytes[at],
      directoryBytes: directoryBytes[at],
      sha256: digests[at],
    } as const
    packs.set(pack.number, pack)
    packsById.set(id, pack)
  }
  return { packs, packsById }
}
