import { createHash } from 'node:crypto'
import type { HashStage } from '@kpipe/engine/contracts'

export default {
  kind: 'hash',
  summary: 'SHA-256',
  settings: { type: 'object', properties: {}, additionalProperties: false },
  open: () => ({
    algorithm: 'sha256',
    tags(bytes, ends, key, out) {
      let start = 0
      for (let index = 0; index < ends.length; index++) {
        const digest = createHash('sha256').update(key).update(bytes.subarray(start, ends[index])).digest()
        out.set(digest.subarray(0, 16), index * 16)
        start = ends[index]!
      }
    },
  }),
} satisfies HashStage<unknown>
