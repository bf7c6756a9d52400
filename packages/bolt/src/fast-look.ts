import { lookCode } from './look-code.ts'
import { instantiate, memoryPageBytes } from './web-assembly.ts'
import type { ExportedNumber, LinearMemory } from './web-assembly.ts'

/** What `look` of the folder wasm exports. */
interface LookCode {
  begin(): number
  layOut(index: number, unfinished: number, left: number, rows: number, records: number, end: number): void
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
 */
export function fastLook(bytes: Uint8Array, start: number, firstPage: number, pages: number, pageBytes: number, seed: number): FastLook {
  const { memory, code, free } = (loaded ??= load())
  const index = align(free + bytes.length)
  const unfinished = index + 4 * pages
  const left = unfinished + 4 * pages
  const rows = left + 4 * pages
  const records = align(rows + (bytes.length >> 1))
  const end = records + bytes.length
  const more = Math.ceil((end - memory.buffer.byteLength) / memoryPageBytes)
  if (more > 0) memory.grow(more)
  // Twice as fast as `set` where the bytes are shared between threads.
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).copy(new Uint8Array(memory.buffer, free))
  code.layOut(index, unfinished, left, rows, records, end)
  code.look(free, free + start, free + bytes.length, firstPage, pages, pageBytes, seed)
  const words = (at: number, count: number) => new Uint32Array(memory.buffer, at, count)
  return {
    index: words(index, pages),
    unfinished: words(unfinished, code.unfinished.value),
    left: words(left, code.left.value),
    rows: words(rows, code.rowWords.value),
    records: new Uint8Array(memory.buffer, records, code.recordBytes.value),
  }
}

function load(): NonNullable<typeof loaded> {
  const { memory, exports: code } = instantiate<LookCode>(lookCode)
  return { memory, code, free: code.begin() }
}

function align(at: number): number {
  return Math.ceil(at / 8) * 8
}
