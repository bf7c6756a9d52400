import { VarintReader, VarintWriter } from '../varint.ts'
import { decodePackNumbers, encodePackNumbers } from './pack-numbers.ts'
import type { StoredTagsByPack } from './payload.ts'

const tagBytes = 16

/** Tags in hex, by number of a pack. */
export type TagsByPack = ReadonlyMap<number, Iterable<string>>

export function encodeTagsByPack(tags: TagsByPack): StoredTagsByPack {
  const sorted = [...tags].map(([number, list]) => ({ number, list: [...list] })).toSorted((one, other) => one.number - other.number)
  const counts = new VarintWriter()
  for (const { list } of sorted) counts.push(list.length)
  return {
    packs: encodePackNumbers(sorted.map(({ number }) => number)),
    counts: counts.finish(),
    tags: Buffer.from(sorted.flatMap(({ list }) => list).join(''), 'hex'),
  }
}

/** @throws RangeError for columns that do not fit each other */
export function decodeTagsByPack({ packs, counts, tags }: StoredTagsByPack): Map<number, string[]> {
  const view = Buffer.from(tags.buffer, tags.byteOffset, tags.length)
  const column = new VarintReader(counts)
  let at = 0
  const found = new Map<number, string[]>()
  for (const number of decodePackNumbers(packs)) {
    const count = column.next()
    if (at + count * tagBytes > view.length) throw new RangeError('a column of tags ends too early')
    found.set(
      number,
      Array.from({ length: count }, (_, index) => view.toString('hex', at + index * tagBytes, at + (index + 1) * tagBytes)),
    )
    at += count * tagBytes
  }
  if (!column.done || at !== view.length) throw new RangeError('a column of tags is too long')
  return found
}
