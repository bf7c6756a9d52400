export const source = String.raw`import { open } from 'node:fs/promises'

const pieceBytes = 65536

/** Reads a stream, here that of a file. Runs on the main thread. */
export default {
  kind: 'source',
  summary: 'reads a file',
  settings: {
    type: 'object',
    properties: { path: { type: 'string', format: 'path', description: 'The file.' } },
    required: ['path'],
    additionalProperties: false,
  },

  async open({ path }, { signal }) {
    signal.throwIfAborted()
    const file = await open(path).catch((error) => {
      throw fault('KPIPE_SOURCE_UNREACHABLE', path + ' cannot be read (' + error.code + ')')
    })
    const { size } = await file.stat()
    let position = 0
    return {
      name: path,
      member: '',
      bytes: size,
      facts: {},
      async *read() {
        const piece = new Uint8Array(pieceBytes)
        for (;;) {
          signal.throwIfAborted()
          const { bytesRead } = await file.read(piece, 0, pieceBytes, position)
          if (bytesRead === 0) return
          position += bytesRead
          yield piece.subarray(0, bytesRead)
        }
      },
      async end() {
        if (position === size) return { trailer_verified: false }
        throw fault('KPIPE_SIZE_MISMATCH', path + ' had ' + size + ' bytes at first, and ' + position + ' were read')
      },
      close: () => file.close(),
    }
  },
}

/** The code says what kind of fault it is, and with that the exit code; nothing needs to be imported for it. */
function fault(code, message) {
  return Object.assign(new Error(message), { code })
}
`
