import type { HashStage } from '@kpipe/engine/contracts'
import { blake3Tagger } from './blake3.ts'
import { sha256Tagger } from './sha256.ts'

export interface Settings {
  readonly algorithm: 'sha256' | 'blake3'
}

/** Names chunks; a repository keeps the algorithm that it was made with. */
export const hash: HashStage<Settings> = {
  kind: 'hash',
  summary: 'names chunks by keyed SHA-256 or BLAKE3',
  settings: {
    type: 'object',
    properties: {
      algorithm: {
        type: 'string',
        enum: ['sha256', 'blake3'],
        default: 'sha256',
        description:
          'The hash function, fixed when a repository is made. `sha256` is twice as fast where the processor has instructions for it.',
      },
    },
    additionalProperties: false,
  },

  open: ({ algorithm }) => (algorithm === 'blake3' ? blake3Tagger() : sha256Tagger()),
}
