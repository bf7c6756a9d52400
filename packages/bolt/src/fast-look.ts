import type { FittingLook } from './earlier-look.ts'
import { lookCode } from './look-code.ts'
import type { LookPlan } from './look.ts'
import { headerBytes } from './page.ts'
import { instantiate, reserve } from './web-assembly.ts'
import type { ExportedNumber, LinearMemory } from './web-assembly.ts'

/** What `look` of the folder wasm exports. */
interface LookCode {
  begin(): number
  layOut(index: number, ends: number, unfinished: number, left: number, rows: number, records: number, end: number): void
  layOutEarlier(index: number, ends: number, rows: number, records: number, end: number, same: number, pages: number): void
  look(bytesStart: number, start: number, end: number, firstPage: number, pages: number, pageBytes: number, seed: number): void
  readonly unfinished: ExportedNumber
  readonly left: ExportedNumber
  readonly rowWords: ExportedNumber
  readonly recordBytes: ExportedNumber
}

/** Views into the code's memory: they hold until the next look. */
export interface FastLook {
  /** For each page 1 + place of its record, or 0. */
  readonly index: Uint32Array
  /** For each page where its record ends, or 0. */
  readonly ends: Uint32Array
  readonly unfinished: Uint32Array
  /** Pages that were left to the caller: twice the page, counted from the first, plus one for one that is not to be read. */
  readonly left: Uint32Array
  readonly rows: Uint32Array
  readonly records: Uint8Array
}

/** Longer pieces are rare, and the memory would never be given back. */
export const mostBytes = 4 << 20

let loaded: { readonly memory: LinearMemory; readonly code: LookCode; readonly free: number } | undefined

/**
 * Looks at pages as `lookPages` does, by code that runs at full speed from its first page on: JavaScript took four fifths of its time
 * here until it was compiled, once in every thread.
 * @param bytes at most `mostBytes`
 * @param earlier what pages that are the same are taken from; it must be a look at these pages
 */
export function fastLook(
  bytes: Uint8Array,
  start: number,
  firstPage: number,
  pages: number,
  { pageBytes, seed }: LookPlan,
  earlier?: FittingLook,
): FastLook {
  const { memory, code, free } = (loaded ??= load())
  const index = align(free + bytes.length)
  const ends = index + 4 * pages
  const unfinished = ends + 4 * pages
  const left = unfinished + 4 * pages
  const rows = left + 4 * pages
  const records = align(rows + (bytes.length >> 1))
  const end = records + bytes.length
  const look = align(end)
  const same = look + (earlier?.look.length ?? 0)
  reserve(memory, same + pages)
  code.layOut(index, ends, unfinished, left, rows, records, end)
  if (earlier) {
    const { areas } = earlier
    copyChanged(bytes, start, pageBytes, earlier.same.subarray(0, pages), memory, free)
    copyInto(memory, look, earlier.look)
    copyInto(memory, same, earlier.same.subarray(0, pages))
    code.layOutEarlier(look + areas.index, look + areas.ends, look + areas.rows, look + areas.records, same, same, pages)
  } else copyInto(memory, free, bytes)
  code.look(free, free + start, free + bytes.length, firstPage, pages, pageBytes, seed)
  const words = (at: number, count: number) => new Uint32Array(memory.buffer, at, count)
  return {
    index: words(index, pages),
    ends: words(ends, pages),
    unfinished: words(unfinished, code.unfinished.value),
    left: words(left, code.left.value),
    rows: words(rows, code.rowWords.value),
    records: new Uint8Array(memory.buffer, records, code.recordBytes.value),
  }
}

/** Copies all pages that are not the same, and of the others the headers. */
function copyChanged(bytes: Uint8Array, start: number, pageBytes: number, same: Uint8Array, memory: LinearMemory, to: number): void {
  const from = asBuffer(bytes)
  const into = new Uint8Array(memory.buffer, to)
  let copied = start
  for (let page = 0, at = start; page < same.length; page++, at += pageBytes) {
    if (same[page] !== 1) continue
    from.copy(into, copied, copied, at + headerBytes)
    copied = at + pageBytes
  }
  from.copy(into, copied, copied)
}

function copyInto(memory: LinearMemory, at: number, bytes: Uint8Array): void {
  asBuffer(bytes).copy(new Uint8Array(memory.buffer, at))
}

/** Copies twice as fast as `set` where the bytes are shared between threads. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

function load(): NonNullable<typeof loaded> {
  const { memory, exports: code } = instantiate<LookCode>(lookCode)
  return { memory, code, free: code.begin() }
}

function align(at: number): number {
  return Math.ceil(at / 8) * 8
}
