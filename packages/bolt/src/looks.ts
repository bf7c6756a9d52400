import { decodeLook } from './look-format.ts'
import type { RecordReader } from './record.ts'
import { userKeys } from './user-keys.ts'

/** What all segments of a stream said, by page. */
export interface Looks {
  /** Pages that a record was made of or that are known to be none of a tree. */
  readonly keyCount: number
  /** Keeps a look; later ones win for a page that both know. Returns the pages whose overflow crosses its segment's end. */
  add(look: Uint8Array): number[]
  /** The page's record, to be read at once, or undefined when it is no page of a tree. */
  record(page: number): PageRecord | undefined
}

export interface PageRecord {
  readonly reader: RecordReader
  /** Rows of bucket `key` that were read along with it: number of the user's key times two, plus one for a tombstone. */
  readonly rows: Uint32Array
}

interface Segment {
  readonly firstPage: number
  readonly index: Uint32Array
  readonly records: Uint8Array
  readonly rows: Uint32Array
}

/** Holds 4 bytes a page, about 20 a leaf page, 4 a row, 7 a row but the first of its page, 6 a child of a branch, 20 a user key. */
export function looks(): Looks {
  const segments: Segment[] = []
  const late = new Map<number, Segment>()
  const keys = userKeys()

  return {
    get keyCount() {
      return keys.count
    },
    add(look) {
      const { firstPage, index, unfinished, rows: hashes, records } = decodeLook(look)
      const segment = { firstPage, index: index.slice(), records: records.slice(), rows: keys.numbers(hashes) }
      const known = segments.at(-1)
      if (known && firstPage < known.firstPage + known.index.length) late.set(firstPage, segment)
      else if (index.length > 0) segments.push(segment)
      return Array.from(unfinished, (page) => firstPage + page)
    },
    record(page) {
      const segment = late.get(page) ?? segmentOf(segments, page)
      const place = segment?.index[page - segment.firstPage]
      if (!segment || !place) return undefined
      return { reader: { bytes: segment.records, at: place - 1 }, rows: segment.rows }
    },
  }
}

/** The last segment that does not begin after `page`; nearly always all have the first one's length. */
function segmentOf(segments: readonly Segment[], page: number): Segment | undefined {
  if (segments.length === 0) return undefined
  let low = 0
  let high = segments.length - 1
  const guess = Math.min(high, Math.floor(page / segments[0].index.length))
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
