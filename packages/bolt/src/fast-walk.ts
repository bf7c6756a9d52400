import { nameCrc } from './history-hash.ts'
import type { LookMemory, Segment } from './look-memory.ts'
import { maxDepth } from './page.ts'

/** The tree of bucket `key`, of branches and leaves of rows alone. Holds until the next look is kept or the next tree is walked. */
export interface RowTree {
  /** CRC-32C and length of keys and values in order. */
  readonly crc: number
  readonly bytes: number
  readonly items: number
  /** Live user keys. */
  readonly kept: number
  /** Main revision of the last row. */
  readonly revision: number
  /** CRC of the bucket's name and the rows that count after a compaction; undefined when the records that tell it are broken. */
  hash(compactRevision: number): number | undefined
}

// As in wasm/status-walk.ts.
const unusual = ['', 'depth', 'range', 'record', 'shared', 'leaf', 'broken', 'order'] as const
/** Why a tree has to be walked by others: what is wrong, or not as it nearly always is. */
export type Unusual = (typeof unusual)[number] | 'room'

/** First page, pages, place, rows, bytes of records. */
const segmentBytes = 20
/** Page, and CRC of all before it. */
const leafBytes = 8

/**
 * Walks the tree below `root`, which lies so deep. Marks what it reached in `reached`, a bit a page; when it tells why it did not walk all
 * of it, `reached` is as it was.
 */
export type FastWalk = (root: number, depth: number, reached: Uint8Array) => RowTree | Unusual

/**
 * Makes ready to walk trees of rows as `walkLooks` does, by code that runs at full speed from its first page on: JavaScript runs here once,
 * and cold, when nothing else is left to do. The memory may grow now, and not while one walks.
 * @param segments in the order of their pages
 * @param late looks at one page each that no segment has, by page
 * @param pages of the database
 */
export function fastWalk(
  { memory, code, end, hasRoom }: LookMemory,
  segments: readonly Segment[],
  late: ReadonlyMap<number, Segment>,
  keyCount: number,
  pages: number,
): FastWalk {
  if (end === undefined) return () => 'room'
  const tables = [...segments, ...[...late.values()].toSorted((a, b) => a.firstPage - b.firstPage)]
  const most = tables.reduce((sum, segment) => sum + segment.pages, 0)
  const newest = end + segmentBytes * tables.length
  const leaves = newest + 4 * keyCount
  const bits = leaves + leafBytes * most
  if (!hasRoom(bits + Math.ceil(pages / 8))) return () => 'room'

  return (root, depth, reached) => {
    if (root >= pages) return 'range'
    new Uint32Array(memory.buffer, end).set(
      tables.flatMap(({ firstPage, pages, at, rows, recordBytes }) => [firstPage, pages, at!, rows, recordBytes]),
    )
    new Uint8Array(memory.buffer, bits).set(reached)
    code.layOutSegments(end, segments.length, end + segmentBytes * segments.length, late.size)
    code.layOut(bits, newest, keyCount, leaves)
    const fault = code.walk(root, depth, pages, maxDepth)
    if (fault !== 0) return unusual[fault]
    reached.set(new Uint8Array(memory.buffer, bits, reached.length))
    return {
      crc: code.crc.value >>> 0,
      bytes: code.bytes(),
      items: code.items.value >>> 0,
      kept: code.kept.value,
      revision: code.revision(),
      hash(compactRevision) {
        const hash = code.hash(nameCrc, compactRevision)
        return hash < 0 ? undefined : hash
      },
    }
  }
}
