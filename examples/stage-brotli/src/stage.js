import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib'

/** Compresses more than zstd at its usual level, and takes much longer. @type {import('@kpipe/engine/contracts').CodecStage<{ quality: number }>} */
export default {
  kind: 'codec',
  summary: 'compresses frames with brotli',
  seals: false,
  settings: {
    type: 'object',
    properties: {
      quality: { type: 'integer', minimum: 0, maximum: 11, default: 5, description: 'Effort; 11 takes a hundred times as long as 1.' },
    },
    additionalProperties: false,
  },

  open({ quality }) {
    return {
      encode(bytes) {
        const params = { [constants.BROTLI_PARAM_QUALITY]: quality, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length }
        return brotliCompressSync(bytes, { params })
      },
      decode(bytes, shape, decodedBytes) {
        const { buffer, engine } = decompress(bytes, decodedBytes)
        if (buffer.length !== decodedBytes) throw damaged(`it holds ${buffer.length} bytes instead of ${decodedBytes}`)
        if (engine.bytesWritten !== bytes.length) throw damaged(`it ends at byte ${engine.bytesWritten} of ${bytes.length}`)
        return buffer
      },
    }
  },
}

function decompress(bytes, decodedBytes) {
  try {
    return brotliDecompressSync(bytes, { maxOutputLength: Math.max(decodedBytes, 1), info: true })
  } catch (error) {
    throw damaged(error.message)
  }
}

/** The code says what kind of fault it is; nothing needs to be imported for that. */
function damaged(reason) {
  return Object.assign(new Error(`a frame is not what brotli made: ${reason}`), { code: 'KPIPE_DAMAGED' })
}
