/** Where a new database goes: bytes at a position. They may be reused when the promise settles. */
export type WriteAt = (position: number, bytes: Uint8Array) => Promise<void>

/** Gives out the pages of a new database in ascending order and collects them into large writes. */
export interface PageOutput {
  /** The first page that was not given out. */
  readonly next: number
  /** True when `flush` should be called before more is put. */
  readonly full: boolean
  /** The next page id, with room for `length` bytes of it and its overflow, all zero. */
  put(length: number): { readonly page: number; readonly overflow: number; readonly bytes: Uint8Array }
  flush(): Promise<void>
}

const pieceBytes = 1 << 20

export function pageOutput(pageBytes: number, write: WriteAt): PageOutput {
  const pieces: { readonly position: number; readonly bytes: Uint8Array; used: number }[] = []
  // Kept for the next piece: all zero between two flushes, so that no page ends with what was written before.
  let spare: Uint8Array | undefined = new Uint8Array(Math.max(pieceBytes, pageBytes))
  let next = 2

  function room(length: number): Uint8Array {
    let piece = pieces.at(-1)
    if (piece === undefined || piece.used + length > piece.bytes.length) {
      const bytes = spare !== undefined && spare.length >= length ? spare : new Uint8Array(Math.max(pieceBytes, length))
      if (bytes === spare) spare = undefined
      piece = { position: next * pageBytes, bytes, used: 0 }
      pieces.push(piece)
    }
    piece.used += length
    return piece.bytes.subarray(piece.used - length, piece.used)
  }

  return {
    get next() {
      return next
    },
    get full() {
      return pieces.length > 1 || (pieces[0]?.used ?? 0) > pieceBytes / 2
    },
    put(length) {
      const count = Math.max(1, Math.ceil(length / pageBytes))
      const bytes = room(count * pageBytes)
      const page = next
      next += count
      return { page, overflow: count - 1, bytes }
    },
    async flush() {
      for (const { position, bytes, used } of pieces) await write(position, bytes.subarray(0, used))
      const [first] = pieces
      if (first !== undefined) spare = first.bytes.fill(0, 0, first.used)
      pieces.length = 0
    },
  }
}
