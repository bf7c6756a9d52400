import { maxPartPacks } from '../bounds.ts'
import { decode, encode } from '../msgpack.ts'
import { bin, count, isMapOf, optional } from '../shape.ts'
import { VarintReader, VarintWriter } from '../varint.ts'

/** Chunks of a full part. */
export const partChunks = 65_536
const tagBytes = 16

/** A part of a recipe with nothing left to look up. */
export interface Part {
  readonly count: number
  /** 16 bytes a chunk. */
  readonly tags: Uint8Array
  /** Index into `table` of the pack that holds each chunk. */
  readonly packs: Uint32Array
  /** Pack ids, 32 hex digits. May list packs that no chunk uses any more. */
  readonly table: readonly string[]
  /** Length of each chunk; undefined when all but the stream's last have one length. */
  readonly lengths: Uint32Array | undefined
}

interface StoredPart {
  readonly count: number
  /** Tag of the part that this one changes. */
  readonly base?: Uint8Array
  /** Varints: differences of the changed positions, the first from -1, less one. Only with a base. */
  readonly positions?: Uint8Array
  /** 16 bytes a listed chunk: all of them, or the changed ones. */
  readonly tags: Uint8Array
  /** 16 bytes a pack; these follow the base's table. */
  readonly table: Uint8Array
  /** Varints: index into the table and length, of runs of listed chunks. */
  readonly pack_runs: Uint8Array
  /** u32 a listed chunk. */
  readonly lengths?: Uint8Array | undefined
}

const isStoredPart = isMapOf({
  count: count(partChunks),
  base: optional(bin(tagBytes)),
  positions: optional(bin()),
  tags: bin(),
  table: bin(),
  pack_runs: bin(),
  lengths: optional(bin()),
})

/** A part in full, with the packs that it uses only, in order of first use. */
export function encodeFullPart(part: Part): Buffer {
  const order = new Map<number, number>()
  const packs = part.packs.map((pack) => {
    let index = order.get(pack)
    if (index === undefined) order.set(pack, (index = order.size))
    return index
  })
  const table = [...order.keys()].map((pack) => part.table[pack])
  return encode({
    count: part.count,
    tags: part.tags,
    table: idBytes(table),
    pack_runs: runs(packs),
    lengths: lengthBytes(part.lengths),
  } satisfies StoredPart)
}

/**
 * A part as a change to `base`, whose table is a begin of the part's table.
 * @param changed ascending positions whose tag, pack or length differs from the base, or that the base does not have
 */
export function encodeChange(part: Part, baseTag: Uint8Array, baseTable: number, changed: Uint32Array): Buffer {
  const positions = new VarintWriter()
  const tags = Buffer.allocUnsafe(changed.length * tagBytes)
  let last = -1
  changed.forEach((position, index) => {
    positions.push(position - last - 1)
    last = position
    tags.set(part.tags.subarray(position * tagBytes, (position + 1) * tagBytes), index * tagBytes)
  })
  const lengths = part.lengths && changed.map((position) => part.lengths![position])
  return encode({
    count: part.count,
    base: baseTag,
    positions: positions.finish(),
    tags,
    table: idBytes(part.table.slice(baseTable)),
    pack_runs: runs(changed.map((position) => part.packs[position])),
    lengths: lengthBytes(lengths),
  } satisfies StoredPart)
}

/** Tag of the part that these bytes change, undefined when they are a full part. @throws RangeError */
export function baseOf(bytes: Uint8Array): Uint8Array | undefined {
  return storedPart(bytes).base
}

function storedPart(bytes: Uint8Array): StoredPart {
  const value = decode(bytes)
  if (!isStoredPart(value)) throw new RangeError('it lacks what a part holds')
  const stored = value as StoredPart
  const listed = stored.tags.length / tagBytes
  const isFull = stored.base === undefined
  const fits =
    Number.isInteger(listed) &&
    stored.table.length % 16 === 0 &&
    (stored.lengths === undefined || stored.lengths.length === listed * 4) &&
    (stored.positions === undefined) === isFull &&
    (isFull ? listed === stored.count : listed <= stored.count)
  if (!fits) throw new RangeError('its columns do not fit each other')
  return stored
}

/** @param base the part that `baseOf` names. Throws RangeError for columns that do not fit each other. */
export function decodePart(bytes: Uint8Array, base?: Part): Part {
  const stored = storedPart(bytes)
  const { count } = stored
  const listed = stored.tags.length / tagBytes
  const table = [...(base?.table ?? []), ...ids(stored.table)]
  if (table.length > maxPartPacks) throw new RangeError(`a recipe part names more than ${maxPartPacks} packs`)
  const packs = new Uint32Array(count)
  const tags = new Uint8Array(count * tagBytes)
  const lengths = stored.lengths && new Uint32Array(count)
  if (base !== undefined) {
    const kept = Math.min(count, base.count)
    packs.set(base.packs.subarray(0, kept))
    tags.set(base.tags.subarray(0, kept * tagBytes))
    if (base.lengths !== undefined) lengths?.set(base.lengths.subarray(0, kept))
  }
  const positions = positionsOf(stored, listed)
  const storedLengths = stored.lengths && new Uint32Array(Uint8Array.from(stored.lengths).buffer)
  const runReader = new VarintReader(stored.pack_runs)
  let [pack, left] = [0, 0]
  for (let index = 0; index < listed; index++) {
    if (left === 0) [pack, left] = [runReader.next(), runReader.next()]
    if (left === 0) throw new RangeError('a run of packs has no chunk')
    left -= 1
    const position = positions?.[index] ?? index
    if (position >= count || pack >= table.length) throw new RangeError('a recipe part points outside itself')
    packs[position] = pack
    if (storedLengths !== undefined) lengths![position] = storedLengths[index]
    if (positions !== undefined) tags.set(stored.tags.subarray(index * tagBytes, (index + 1) * tagBytes), position * tagBytes)
  }
  if (positions === undefined) tags.set(stored.tags)
  return { count, tags, packs, table, lengths }
}

function positionsOf(stored: StoredPart, listed: number): Uint32Array | undefined {
  if (stored.positions === undefined) return undefined
  const column = new VarintReader(stored.positions)
  const positions = new Uint32Array(listed)
  let last = -1
  for (let index = 0; index < listed; index++) {
    last += column.next() + 1
    if (last >= stored.count) throw new RangeError('a recipe part points outside itself')
    positions[index] = last
  }
  return positions
}

function runs(packs: Uint32Array): Buffer {
  const column = new VarintWriter()
  for (let from = 0; from < packs.length;) {
    let end = from + 1
    while (end < packs.length && packs[end] === packs[from]) end += 1
    column.push(packs[from])
    column.push(end - from)
    from = end
  }
  return column.finish()
}

function lengthBytes(lengths: Uint32Array | undefined): Buffer | undefined {
  return lengths && Buffer.from(lengths.buffer, lengths.byteOffset, lengths.byteLength)
}

function idBytes(table: readonly string[]): Buffer {
  return Buffer.from(table.join(''), 'hex')
}

function ids(bytes: Uint8Array): string[] {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  return Array.from({ length: bytes.length / 16 }, (_, index) => view.toString('hex', index * 16, index * 16 + 16))
}
