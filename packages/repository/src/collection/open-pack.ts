import type { PackRecord } from '../log/state.ts'
import { prefixBytes } from '../packs/directory.ts'
import type { Directory, DirectoryFrame } from '../packs/directory.ts'
import { PrefixTable } from '../packs/prefix-table.ts'
import { unitOverheadBytes } from '../sealed-unit.ts'

const tagBytes = 16

/** A pack whose directory was read, and which of its chunks snapshots need. */
export interface OpenPack {
  readonly pack: PackRecord
  readonly directory: Directory
  readonly table: PrefixTable
  /** u8 a chunk: 1 when a snapshot needs it. */
  readonly live: Uint8Array
  /** u8 a chunk: the line of the newest snapshot that needs it, see `lineOf`; 0 when none of them does. */
  readonly lines: Uint8Array
  /** 16 bytes a chunk, of those that are needed. */
  readonly tags: Uint8Array
  /** u32 a chunk: its frame. */
  readonly frameOf: Uint32Array
  /** Number of its first frame among all frames that are open. */
  readonly firstFrame: number
}

export function openPack(pack: PackRecord, directory: Directory, firstFrame: number): OpenPack {
  const chunks = directory.prefixes.length / prefixBytes
  const frameOf = new Uint32Array(chunks)
  directory.frames.forEach(({ firstChunk, ends }, index) => frameOf.fill(index, firstChunk, firstChunk + ends.length))
  return {
    pack,
    directory,
    table: new PrefixTable(directory),
    live: new Uint8Array(chunks),
    lines: new Uint8Array(chunks),
    tags: new Uint8Array(chunks * tagBytes),
    frameOf,
    firstFrame,
  }
}

/**
 * Notes that a snapshot needs the chunk with the tag at `offset`; its place in the pack, undefined when it is not there.
 * @param line of a newest snapshot, 0 for any other
 */
export function markLive({ table, live, lines, tags: kept }: OpenPack, tags: Uint8Array, offset: number, line = 0): number | undefined {
  const place = table.find(tags, offset)
  if (place === undefined) return undefined
  if (lines[place] === 0) lines[place] = line
  if (live[place] === 1) return place
  live[place] = 1
  kept.set(tags.subarray(offset, offset + tagBytes), place * tagBytes)
  return place
}

/** Newest snapshots of so many names and members are told apart; those of more share lines. */
const mostLines = 255

/** The line of a name and member, by their place among all: what their newest snapshot needs is kept together. */
export function lineOf(group: number): number {
  return (group % mostLines) + 1
}

/** How many bytes lie in the object for a frame. */
export function storedBytesOf({ kind, lengths }: DirectoryFrame): number {
  return kind.key === 'unit' ? lengths[0] + unitOverheadBytes : lengths[lengths.length - 1]
}

/** Which chunks of a frame are needed, ascending, as places in the frame. */
export function liveSlots({ live }: OpenPack, { firstChunk, ends }: DirectoryFrame): Uint32Array {
  return Uint32Array.from(ends.keys()).filter((slot) => live[firstChunk + slot] === 1)
}

/** Bytes of a frame's plain chunks that are needed. */
export function livePlainBytes({ live }: OpenPack, frame: DirectoryFrame): number {
  return markedBytes(live, frame)
}

/** Of a frame that newest snapshots need, they need so much at the least, or it is scattered: its chunks are to be gathered elsewhere. */
const leastShare = 0.75

/** Plain bytes of a scattered frame that are decoded for nothing when a newest snapshot is restored; 0 of any other. */
export function wastedPlainBytes({ lines }: OpenPack, frame: DirectoryFrame): number {
  const plain = frame.lengths[0]
  const used = markedBytes(lines, frame)
  return used === 0 || used >= plain * leastShare ? 0 : plain - used
}

/** @param marks u8 a chunk of the pack; 0 for those that do not count */
function markedBytes(marks: Uint8Array, { firstChunk, ends }: DirectoryFrame): number {
  let bytes = 0
  for (let slot = 0, start = 0; slot < ends.length; start = ends[slot++]) if (marks[firstChunk + slot] !== 0) bytes += ends[slot] - start
  return bytes
}
