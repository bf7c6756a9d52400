import type { Look } from './look-format.ts'
import { statusWalkCode } from './status-walk-code.ts'
import type { UserKeys } from './user-keys.ts'
import { instantiate, reserve } from './web-assembly.ts'
import type { ExportedNumber, LinearMemory } from './web-assembly.ts'

/** What `status-walk` of the folder wasm exports. */
export interface StatusWalkCode {
  begin(): number
  layOutSegments(table: number, count: number, lateTable: number, lateCount: number): void
  layOut(reached: number, newest: number, keys: number, leaves: number): void
  walk(root: number, depth: number, pages: number, maxDepth: number): number
  bytes(): number
  revision(): number
  hash(before: number, compactRevision: number): number
  readonly crc: ExportedNumber
  readonly items: ExportedNumber
  readonly kept: ExportedNumber
}

/** What is kept of a segment's look. */
export interface Segment {
  readonly firstPage: number
  readonly pages: number
  readonly rows: number
  readonly recordBytes: number
  /** Where in the memory its index, rows and records begin, one behind the other; undefined when there was no room. */
  readonly at: number | undefined
}

export interface SegmentParts {
  readonly index: Uint32Array
  /** Of each row its user key's number times two, plus one for a tombstone. */
  readonly rows: Uint32Array
  readonly records: Uint8Array
}

/** Looks one behind the other in a linear memory, for code that reads them there. */
export interface LookMemory {
  readonly memory: LinearMemory
  readonly code: StatusWalkCode
  /** First byte that no look takes; undefined when one found no room. */
  readonly end: number | undefined
  /** Makes the memory reach up to `end`, if it can and may. */
  hasRoom(end: number): boolean
  keep(look: Look, keys: UserKeys): Segment
  /** They hold until the memory grows. */
  parts(segment: Segment): SegmentParts
}

/** A linear memory has 4 GiB; the last byte's address, plus one, is to be a u32. */
const mostMemoryBytes = 2 ** 32 - (64 << 10)
/** By how much more than needed the memory grows. */
const slackBytes = 1 << 20

/** @param mostBytes what comes when the memory has no room for it any more is kept beside it */
export function lookMemory(mostBytes = mostMemoryBytes): LookMemory {
  const { memory, exports: code } = instantiate<StatusWalkCode>(statusWalkCode)
  const views = new WeakMap<Segment, SegmentParts>()
  let free = code.begin()
  let isComplete = true

  return {
    memory,
    code,
    get end() {
      return isComplete ? free : undefined
    },
    hasRoom,
    keep({ firstPage, index, rows, records }, keys) {
      const shape = { firstPage, pages: index.length, rows: rows.length / 2, recordBytes: records.length }
      const at = room(4 * shape.pages + 4 * shape.rows + shape.recordBytes)
      const segment = { ...shape, at }
      const parts = at === undefined ? outside(segment) : inside(segment, at)
      parts.index.set(index)
      keys.numbers(rows, parts.rows)
      parts.records.set(records)
      if (at === undefined) views.set(segment, parts)
      return segment
    },
    parts(segment) {
      const known = views.get(segment)
      if (known !== undefined && (segment.at === undefined || known.index.buffer === memory.buffer)) return known
      const parts = inside(segment, segment.at!)
      views.set(segment, parts)
      return parts
    },
  }

  function hasRoom(end: number): boolean {
    if (end > mostBytes) return false
    try {
      reserve(memory, end, Math.min(slackBytes, mostBytes - end))
      return true
    } catch (error) {
      if (error instanceof RangeError) return false
      throw error
    }
  }

  /** Where so many bytes may be laid, or undefined. */
  function room(bytes: number): number | undefined {
    const at = free
    const end = align(at + bytes)
    isComplete &&= hasRoom(end)
    if (!isComplete) return undefined
    free = end
    return at
  }

  function inside({ pages, rows, recordBytes }: Segment, at: number): SegmentParts {
    return {
      index: new Uint32Array(memory.buffer, at, pages),
      rows: new Uint32Array(memory.buffer, at + 4 * pages, rows),
      records: new Uint8Array(memory.buffer, at + 4 * pages + 4 * rows, recordBytes),
    }
  }
}

function align(at: number): number {
  return Math.ceil(at / 4) * 4
}

function outside({ pages, rows, recordBytes }: Segment): SegmentParts {
  return { index: new Uint32Array(pages), rows: new Uint32Array(rows), records: new Uint8Array(recordBytes) }
}
