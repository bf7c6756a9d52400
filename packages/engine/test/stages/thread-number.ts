import { threadId } from 'node:worker_threads'
import type { CodecStage } from '@kpipe/engine/contracts'

/** Encodes to the number of the thread that it runs on. */
export default {
  kind: 'codec',
  summary: 'the number of its thread',
  seals: false,
  settings: { type: 'object', properties: {}, additionalProperties: false },
  open: () => ({
    encode: () => Uint8Array.of(threadId),
    decode: (bytes) => bytes,
  }),
} satisfies CodecStage<object>
