export const chunk = String.raw`/** Cuts a stream into pieces of one length. */
export default {
  kind: 'chunk',
  summary: 'pieces of a fixed length',
  settings: {
    type: 'object',
    properties: {
      pieceBytes: { type: 'integer', minimum: 512, maximum: 65536, default: 4096, description: 'Length of a piece.' },
    },
    additionalProperties: false,
  },

  /** Once per stream, on the main thread. Only streams whose plans have the same id are compared. */
  plan: (head, { pieceBytes }) => ({ id: 'fixed/' + pieceBytes, pageBytes: pieceBytes }),

  /** The last place where a segment may end. */
  anchor: (bytes, { pageBytes }) => bytes.length - (bytes.length % pageBytes),

  /** Where the pieces of a segment end, on a worker thread. */
  cut(bytes, { pageBytes }) {
    const count = Math.ceil(bytes.length / pageBytes)
    return Uint32Array.from({ length: count }, (_, piece) => Math.min((piece + 1) * pageBytes, bytes.length))
  },
}
`
