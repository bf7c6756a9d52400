import type { CodecRecord } from '@kpipe/engine/contracts'
import { maxFrameBytes } from '../bounds.ts'
import type { PackClass } from '../format.ts'
import { decode, encode } from '../msgpack.ts'
import { demandDirectory } from './directory-shape.ts'

/** Bytes of a tag that a directory keeps of every chunk. */
export const prefixBytes = 6
const tagBytes = 16

/** What frames have in common. */
export interface FrameKind {
  readonly epoch: number
  readonly codecs: readonly CodecRecord[]
  /** `derived`: codecs derive their keys from D. `unit`: a sealed unit under M. */
  readonly key: 'derived' | 'unit'
  /** Length of every chunk but the last of a stream, or 0. */
  readonly pageBytes: number
}

/** A frame to be listed. */
export interface ListedFrame {
  readonly kind: FrameKind
  readonly offset: number
  /** Plain, then after each codec. A unit frame has its plain length only. */
  readonly lengths: readonly number[]
  readonly digest: Uint8Array
  readonly tags: Uint8Array
  readonly ends: Uint32Array
}

/** As msgpack holds it. */
export interface StoredDirectory {
  readonly class: PackClass
  readonly kinds: readonly {
    readonly epoch: number
    readonly codecs: readonly CodecRecord[]
    readonly key: 'derived' | 'unit'
    readonly page_bytes: number
  }[]
  readonly frames: number
  /** u8 a frame. */
  readonly frame_kinds: Uint8Array
  /** u32 a frame. */
  readonly offsets: Uint8Array
  readonly chunk_counts: Uint8Array
  /** u32, 1 + the number of codecs a frame. */
  readonly lengths: Uint8Array
  /** 16 bytes a frame. */
  readonly digests: Uint8Array
  /** 6 bytes a chunk. */
  readonly prefixes: Uint8Array
  /** u8 a frame: 1 when its chunks' lengths are listed, 0 when all but the last have `page_bytes`. */
  readonly listed: Uint8Array
  /** u32 a chunk, only for chunks of frames whose lengths are listed. */
  readonly chunk_lengths: Uint8Array
  /** For chunks whose prefix is another chunk's too: index u32, tag 16. */
  readonly full_tags: Uint8Array
}

export interface Directory {
  readonly class: PackClass
  readonly frames: readonly DirectoryFrame[]
  /** 6 bytes a chunk. */
  readonly prefixes: Uint8Array
  /** Full tags of chunks with ambiguous prefixes, in hex, by chunk of the pack. */
  readonly fullTags: ReadonlyMap<number, string>
}

export interface DirectoryFrame {
  readonly kind: FrameKind
  readonly offset: number
  readonly lengths: readonly number[]
  readonly digest: Uint8Array
  /** Its chunks are `firstChunk` up to `firstChunk + ends.length` of the pack. */
  readonly firstChunk: number
  readonly ends: Uint32Array
}

export function encodeDirectory(packClass: PackClass, frames: readonly ListedFrame[]): Buffer {
  const kinds = [...new Set(frames.map((frame) => frame.kind))]
  const tags = Buffer.concat(frames.map((frame) => frame.tags))
  const irregular = frames.filter((frame) => !isRegular(frame))
  const directory: StoredDirectory = {
    class: packClass,
    kinds: kinds.map(({ epoch, codecs, key, pageBytes }) => ({ epoch, codecs, key, page_bytes: pageBytes })),
    frames: frames.length,
    frame_kinds: Uint8Array.from(frames, (frame) => kinds.indexOf(frame.kind)),
    offsets: column(frames.map((frame) => frame.offset)),
    chunk_counts: column(frames.map((frame) => frame.ends.length)),
    lengths: column(frames.flatMap((frame) => frame.lengths)),
    digests: Buffer.concat(frames.map((frame) => frame.digest)),
    prefixes: prefixesOf(tags),
    listed: Uint8Array.from(frames, (frame) => (isRegular(frame) ? 0 : 1)),
    chunk_lengths: column(irregular.flatMap(({ ends }) => Array.from(ends, (end, index) => end - (index === 0 ? 0 : ends[index - 1])))),
    full_tags: fullTagsOf(tags),
  }
  return encode(directory)
}

/** Keeps none of `bytes`. @throws RangeError when they are not those of a directory */
export function decodeDirectory(bytes: Uint8Array): Directory {
  const stored = demandDirectory(decode(bytes))
  const [offsets, counts, lengths, chunkLengths] = [stored.offsets, stored.chunk_counts, stored.lengths, stored.chunk_lengths].map(numbers)
  const kinds = stored.kinds.map(({ epoch, codecs, key, page_bytes: pageBytes }) => ({ epoch, codecs, key, pageBytes }))
  let [length, chunk, listed] = [0, 0, 0]
  const frames = Array.from({ length: stored.frames }, (_, index): DirectoryFrame => {
    const kind = kinds[stored.frame_kinds[index]]
    const frameLengths = [...lengths.subarray(length, length + kind.codecs.length + 1)]
    length += frameLengths.length
    if (frameLengths.some((bytes) => bytes > maxFrameBytes)) throw new RangeError(`a frame has more than ${maxFrameBytes} bytes`)
    const ends =
      stored.listed[index] === 0
        ? pageEnds(frameLengths[0], counts[index], kind.pageBytes)
        : runningSum(chunkLengths.subarray(listed, (listed += counts[index])), frameLengths[0])
    if (counts[index] > 0 && ends[ends.length - 1] !== frameLengths[0]) throw new RangeError('the chunks of a frame do not fill it')
    const firstChunk = chunk
    chunk += ends.length
    return {
      kind,
      offset: offsets[index],
      lengths: frameLengths,
      digest: Uint8Array.from(stored.digests.subarray(index * 16, index * 16 + 16)),
      firstChunk,
      ends,
    }
  })
  const fullTags = new Map<number, string>()
  const full = Buffer.from(stored.full_tags)
  for (let at = 0; at < full.length; at += 4 + tagBytes)
    fullTags.set(full.readUInt32LE(at), full.toString('hex', at + 4, at + 4 + tagBytes))
  return { class: stored.class, frames, prefixes: new Uint8Array(stored.prefixes), fullTags }
}

/** Nearly all frames of pages have the same ends. */
let lastPageEnds: { readonly plainBytes: number; readonly pageBytes: number; readonly ends: Uint32Array } | undefined

/** Ends of `count` chunks when all but the last have the page's length. Not to be written to: frames share them. */
function pageEnds(plainBytes: number, count: number, pageBytes: number): Uint32Array {
  const last = lastPageEnds
  if (last !== undefined && last.plainBytes === plainBytes && last.ends.length === count && last.pageBytes === pageBytes) return last.ends
  const ends = new Uint32Array(count)
  for (let index = 0; index < count; index++) ends[index] = Math.min((index + 1) * pageBytes, plainBytes)
  lastPageEnds = { plainBytes, pageBytes, ends }
  return ends
}

/** Whether a reader finds the ends from the page's length alone. */
function isRegular({ kind, lengths, ends }: ListedFrame): boolean {
  const last = ends.length - 1
  return (
    ends.every((end, index) => end === (index === last ? lengths[0] : (index + 1) * kind.pageBytes)) &&
    lengths[0] <= ends.length * kind.pageBytes
  )
}

function runningSum(lengths: Uint32Array, most: number): Uint32Array {
  let sum = 0
  return lengths.map((length) => {
    sum += length
    if (sum > most) throw new RangeError('the chunks of a frame are longer than it')
    return sum
  })
}

// A pack of pages has some ten thousand tags: no call a tag.

function prefixesOf(tags: Uint8Array): Uint8Array {
  const prefixes = new Uint8Array((tags.length / tagBytes) * prefixBytes)
  for (let from = 0, to = 0; from < tags.length; from += tagBytes) {
    for (let byte = 0; byte < prefixBytes; byte++) prefixes[to++] = tags[from + byte]
  }
  return prefixes
}

/** Whether two tags begin alike. */
function sharePrefixes(tags: Uint8Array): boolean {
  const prefixes = new Float64Array(tags.length / tagBytes)
  for (let index = 0, at = 0; at < tags.length; index++, at += tagBytes) {
    let prefix = 0
    for (let byte = 0; byte < prefixBytes; byte++) prefix = prefix * 256 + tags[at + byte]
    prefixes[index] = prefix
  }
  prefixes.sort()
  for (let index = 1; index < prefixes.length; index++) if (prefixes[index] === prefixes[index - 1]) return true
  return false
}

/** Records of all chunks that share their prefix with a chunk of another tag: 2^-48 a pair, but never wrong. */
function fullTagsOf(tags: Buffer): Buffer {
  if (!sharePrefixes(tags)) return Buffer.alloc(0)
  const first = new Map<number, number>()
  const ambiguous = new Set<number>()
  for (let at = 0; at < tags.length; at += tagBytes) {
    const prefix = tags.readUIntBE(at, prefixBytes)
    const other = first.get(prefix)
    if (other === undefined) first.set(prefix, at)
    else if (tags.compare(tags, at, at + tagBytes, other, other + tagBytes) !== 0) ambiguous.add(prefix)
  }
  const records: Buffer[] = []
  for (let at = 0; at < tags.length; at += tagBytes) {
    if (!ambiguous.has(tags.readUIntBE(at, prefixBytes))) continue
    records.push(column([at / tagBytes]), tags.subarray(at, at + tagBytes))
  }
  return Buffer.concat(records)
}

function column(values: readonly number[]): Buffer {
  return Buffer.from(Uint32Array.from(values).buffer)
}

/** A column of u32 in own, aligned memory. */
function numbers(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(Uint8Array.from(bytes).buffer)
}
