import type { SourceFile, SourceStream } from '@kpipe/engine/contracts'

/** A source of given bytes, in pieces of given length that all use one buffer. */
export function memorySource(
  bytes: Uint8Array,
  options: {
    readonly pieceBytes?: number
    readonly announce?: number | undefined
    readonly afterPieces?: () => Promise<void>
    readonly file?: SourceFile
  } = {},
) {
  const pieceBytes = options.pieceBytes ?? 100_000
  const state = { closed: 0, readTo: 0 }
  const stream: SourceStream = {
    name: 'memory',
    member: '',
    bytes: 'announce' in options ? options.announce : bytes.length,
    facts: { origin: 'memory' },
    async *read() {
      const buffer = new Uint8Array(pieceBytes)
      for (let at = 0; at < bytes.length; at += pieceBytes) {
        const piece = bytes.subarray(at, at + pieceBytes)
        buffer.set(piece)
        state.readTo = at + piece.length
        yield buffer.subarray(0, piece.length)
      }
      await options.afterPieces?.()
    },
    ...(options.file && { file: options.file }),
    end: async () => ({ trailer_verified: false }),
    async close() {
      state.closed++
    },
  }
  return { stream, state }
}
