import type { ChunkPlan, ChunkStage } from '@kpipe/engine/contracts'
import { boltPageBytes } from './bolt-page-bytes.ts'

interface Settings {
  readonly algorithm: 'auto' | 'page'
  readonly pageBytes?: number
}

/** Used for streams that are no bbolt file. */
const otherPageBytes = 65536

/** Pages: chunks of one length, which is the database's own page size where the stream is a bbolt file. */
export const chunk: ChunkStage<Settings> = {
  kind: 'chunk',
  summary: 'cuts a stream at the pages of its database',
  settings: {
    type: 'object',
    properties: {
      algorithm: {
        type: 'string',
        enum: ['auto', 'page'],
        default: 'auto',
        description: 'How to cut. Both cut pages: of the size in the meta pages of a bbolt file, of 64 KiB in any other stream.',
      },
      pageBytes: {
        type: 'integer',
        enum: [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536],
        description: 'Length of a page in bytes, instead of what the meta pages say.',
      },
    },
    additionalProperties: false,
  },

  plan(head, settings) {
    const pageBytes = settings.pageBytes ?? boltPageBytes(head) ?? otherPageBytes
    return { id: `page/${pageBytes}`, pageBytes }
  },

  anchor(bytes, plan) {
    return bytes.length - (bytes.length % plan.pageBytes)
  },

  /** The last chunk is shorter when the stream ends within a page, as with etcd's trailer of 32 bytes. */
  cut(bytes: Uint8Array, { pageBytes }: ChunkPlan) {
    const ends = new Uint32Array(Math.ceil(bytes.length / pageBytes))
    for (let i = 0; i < ends.length; i++) ends[i] = Math.min((i + 1) * pageBytes, bytes.length)
    return ends
  },
}
