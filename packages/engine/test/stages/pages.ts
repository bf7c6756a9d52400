import type { ChunkStage } from '@kpipe/engine/contracts'

/** Cuts pages of a length that its settings give. */
export default {
  kind: 'chunk',
  summary: 'pages of a given length',
  settings: { type: 'object', properties: { pageBytes: { type: 'integer', description: 'length' } }, additionalProperties: false },
  plan: (_head, settings) => ({ id: `page/${settings.pageBytes}`, pageBytes: settings.pageBytes }),
  anchor: (bytes, plan) => bytes.length - (bytes.length % plan.pageBytes),
  cut(bytes, plan) {
    const ends = new Uint32Array(Math.ceil(bytes.length / plan.pageBytes))
    for (let index = 0; index < ends.length; index++) ends[index] = Math.min(bytes.length, (index + 1) * plan.pageBytes)
    return ends
  },
} satisfies ChunkStage<{ readonly pageBytes: number }>
