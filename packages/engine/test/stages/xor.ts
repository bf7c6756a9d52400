import { setTimeout as delay } from 'node:timers/promises'
import type { CodecStage } from '@kpipe/engine/contracts'
import { KpipeError } from '@kpipe/engine/contracts'

/** Of a frame. */
export const slowMs = 150

/** Adds a length byte and a mask: an exact inverse that is easy to see through. Fails, or is slow, on demand. */
export default {
  kind: 'codec',
  summary: 'xor with a constant',
  seals: false,
  settings: { type: 'object', properties: { fail: { type: 'string', description: 'how' } }, additionalProperties: false },
  open: ({ fail }) => ({
    async encode(bytes) {
      if (fail === 'plain') throw new Error('no more masks')
      if (fail === 'kpipe') throw new KpipeError('KPIPE_STORE_FULL', 'the mask is full', { left: 0 })
      if (fail === 'slow') await delay(slowMs)
      return Uint8Array.from(bytes, (byte) => byte ^ 0x5a)
    },
    decode: (bytes) => Uint8Array.from(bytes, (byte) => byte ^ 0x5a),
  }),
} satisfies CodecStage<{ readonly fail?: string }>
