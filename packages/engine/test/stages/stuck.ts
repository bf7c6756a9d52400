import type { CodecStage } from '@kpipe/engine/contracts'

/** Does to its worker thread what no stage should. */
export default {
  kind: 'codec',
  summary: 'hangs or dies',
  seals: false,
  settings: { type: 'object', properties: { how: { type: 'string', description: 'how' } }, additionalProperties: false },
  open: ({ how }) => ({
    encode(bytes) {
      if (how === 'loop') for (;;);
      if (how === 'wait') return new Promise(() => setInterval(() => undefined, 1000))
      if (how === 'exit') process.exit(3)
      if (how === 'later') return new Promise(() => setTimeout(() => missing(), 1))
      if (how === 'code') throw Object.assign(new Error('not what encode made'), { code: 'KPIPE_DAMAGED' })
      return Uint8Array.from(bytes)
    },
    decode: (bytes) => Uint8Array.from(bytes),
  }),
} satisfies CodecStage<{ readonly how: string }>

function missing(): never {
  throw new TypeError('thrown when nobody waits')
}
