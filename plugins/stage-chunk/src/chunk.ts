import type { ChunkPlan, ChunkStage } from '@kpipe/engine/contracts'
import { KpipeError } from '@kpipe/engine/contracts'
import { boltPageBytes } from './bolt-page-bytes.ts'
import { fastcdcEnds, type FastcdcPlan, fastcdcPlan, lastFastcdcCut } from './fastcdc.ts'
import { lastPageEnd, pageEnds, pagePlan } from './pages.ts'

export interface Settings {
  readonly algorithm: 'auto' | 'page' | 'fastcdc'
  readonly pageBytes?: number
  readonly min: number
  readonly average: number
  readonly max: number
}

const powersOfTwo = (from: number, to: number) => Array.from({ length: Math.log2(to / from) + 1 }, (_, index) => from * 2 ** index)

/** Pages of a database, which keep their places; or pieces whose ends follow the content, wherever it moves. */
export const chunk: ChunkStage<Settings, ChunkPlan | FastcdcPlan> = {
  kind: 'chunk',
  summary: 'cuts a stream at the pages of its database, or where its content says (FastCDC)',
  settings: {
    type: 'object',
    properties: {
      algorithm: {
        type: 'string',
        enum: ['auto', 'page', 'fastcdc'],
        default: 'auto',
        description:
          'How to cut: `page` at the pages of a bbolt file, `fastcdc` by content, `auto` by pages what is a bbolt file and by content what is not.',
      },
      pageBytes: {
        type: 'integer',
        enum: powersOfTwo(512, 65536),
        description: 'Length of a page in bytes, instead of what the meta pages say.',
      },
      min: {
        type: 'integer',
        minimum: 64,
        maximum: 1048576,
        default: 16384,
        description: 'Shortest content-defined chunk, in bytes.',
      },
      average: {
        type: 'integer',
        enum: powersOfTwo(128, 524288),
        default: 65536,
        description: 'Length around which most content-defined chunks lie, in bytes.',
      },
      max: {
        type: 'integer',
        minimum: 256,
        maximum: 1048576,
        default: 262144,
        description: 'Longest content-defined chunk, in bytes.',
      },
    },
    additionalProperties: false,
  },

  plan(head, settings) {
    const { algorithm, pageBytes = boltPageBytes(head) } = settings
    if (algorithm !== 'fastcdc' && pageBytes !== undefined) return pagePlan(pageBytes)
    if (algorithm === 'page') {
      throw new KpipeError(
        'KPIPE_PIPELINE_INVALID',
        'the stream is no bbolt file, which would tell the length of a page, and pageBytes is not set',
      )
    }
    return fastcdcPlan(ordered(settings))
  },

  anchor: (bytes, plan) => ('average' in plan ? lastFastcdcCut(bytes, plan) : lastPageEnd(bytes, plan.pageBytes)),

  cut: (bytes, plan) => ('average' in plan ? fastcdcEnds(bytes, plan) : pageEnds(bytes, plan.pageBytes)),
}

function ordered(settings: Settings): Settings {
  const { min, average, max } = settings
  if (min < average && average < max) return settings
  throw new KpipeError('KPIPE_PIPELINE_INVALID', `chunks cannot be cut with min ${min}, average ${average}, max ${max}: they must ascend`, {
    min,
    average,
    max,
  })
}
