import { fastWalk } from './fast-walk.ts'
import type { FastWalk } from './fast-walk.ts'
import { decodeLook } from './look-format.ts'
import { lookMemory } from './look-memory.ts'
import type { Segment } from './look-memory.ts'
import type { RecordReader } from './record.ts'
import { userKeys } from './user-keys.ts'

/** What all segments of a stream said, by page. */
export interface Looks {
  /** Distinct user keys of all rows that were seen. */
  readonly keyCount: number
  /** Keeps a look; later ones win for a page that both know. Returns the pages whose overflow crosses its segment's end. */
  add(look: Uint8Array): number[]
  /** The page's record, to be read at once, or undefined when it is no page of a tree. */
  record(page: number): PageRecord | undefined
  /** To walk trees of rows in a database of so many pages at once. No record that was asked for before may be read any more. */
  rowWalk(pages: number): FastWalk
}

export interface PageRecord {
  readonly reader: RecordReader
  /** Rows of bucket `key` that were read along with it: number of the user's key times two, plus one for a tombstone. */
  readonly rows: Uint32Array
}

/**
 * Holds 4 bytes a page, about 20 a leaf page, 4 a row, 7 a row but the first of its page, 6 a child of a branch, 20 a user key.
 * @param memoryBytes the longest linear memory that may be used; without room in one `rowWalk` does nothing
 */
export function looks(memoryBytes?: number): Looks {
  const segments: Segment[] = []
  const late = new Map<number, Segment>()
  const keys = userKeys()
  const kept = lookMemory(memoryBytes)

  return {
    get keyCount() {
      return keys.count
    },
    add(look) {
      const decoded = decodeLook(look)
      const { firstPage, index, unfinished } = decoded
      const segment = kept.keep(decoded, keys)
      const known = segments.at(-1)
      if (known && firstPage < known.firstPage + known.pages) {
        forget(firstPage)
        late.set(firstPage, segment)
      } else if (index.length > 0) segments.push(segment)
      return Array.from(unfinished, (page) => firstPage + page)
    },
    record: (page) => recordIn(segmentOf(segments, page), page) ?? recordIn(late.get(page), page),
    rowWalk: (pages) => fastWalk(kept, segments, late, keys.count, pages),
  }

  function recordIn(segment: Segment | undefined, page: number): PageRecord | undefined {
    if (segment === undefined) return undefined
    const { index, records, rows } = kept.parts(segment)
    const place = index[page - segment.firstPage]
    return place ? { reader: { bytes: records, at: place - 1 }, rows } : undefined
  }

  /** What a segment's look says of a page that another look tells of. */
  function forget(page: number): void {
    const segment = segmentOf(segments, page)
    if (segment && page < segment.firstPage + segment.pages) kept.parts(segment).index[page - segment.firstPage] = 0
  }
}

/** The last segment that does not begin after `page`; nearly always all have the first one's length. */
function segmentOf(segments: readonly Segment[], page: number): Segment | undefined {
  if (segments.length === 0) return undefined
  let low = 0
  let high = segments.length - 1
  const guess = Math.min(high, Math.floor(page / segments[0].pages))
  if (segments[guess].firstPage <= page) {
    if (guess === high || segments[guess + 1].firstPage > page) return segments[guess]
    low = guess + 1
  } else high = guess - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (segments[middle].firstPage <= page) low = middle
    else high = middle - 1
  }
  return segments[low]
}
