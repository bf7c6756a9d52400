export const codec = String.raw`/** Frames are encoded on worker threads, whole, and must come back exactly. */
export default {
  kind: 'codec',
  summary: 'adds a mask to every byte',
  seals: false,
  settings: {
    type: 'object',
    properties: {
      mask: { type: 'integer', minimum: 0, maximum: 255, default: 90, description: 'The byte that is added.' },
    },
    additionalProperties: false,
  },

  open({ mask }) {
    return {
      encode: (bytes) => Uint8Array.from(bytes, (byte) => byte ^ mask),
      decode(bytes, shape, decodedBytes) {
        if (bytes.length !== decodedBytes) throw damaged(bytes.length + ' bytes are there instead of ' + decodedBytes)
        return Uint8Array.from(bytes, (byte) => byte ^ mask)
      },
    }
  },
}

/** The code says what kind of fault it is, and with that the exit code; nothing needs to be imported for it. */
function damaged(message) {
  return Object.assign(new Error(message), { code: 'KPIPE_DAMAGED' })
}
`
