/** A stage in a pipeline file, not yet looked up. */
export interface NamedStage {
  readonly use: string
  readonly with?: Readonly<Record<string, unknown>> | null
}

/** A pipeline file whose shape is right. */
export interface PipelineShape {
  readonly name?: string
  readonly source: NamedStage
  readonly stages?: readonly NamedStage[] | null
  readonly store: NamedStage
  readonly key?: { readonly file: string }
  readonly plaintext?: 'accepted'
  readonly limits?: { readonly [name in LimitName]?: string | number } | null
}

type LimitName = 'stallTimeout' | 'maxHold'

/** Limits as the file and as the loop calls them. */
export const limitNames = [
  ['stallTimeout', 'stallTimeoutMs'],
  ['maxHold', 'maxHoldMs'],
] as const

const namedStage = {
  type: 'object',
  properties: { use: { type: 'string', minLength: 1 }, with: { type: ['object', 'null'] } },
  required: ['use'],
  additionalProperties: false,
}

/** JSON Schema of a pipeline file; what stands under `with` is the stage's to say. */
export const pipelineSchema = {
  type: 'object',
  properties: {
    name: { type: 'string', minLength: 1 },
    source: namedStage,
    stages: { type: ['array', 'null'], items: namedStage },
    store: namedStage,
    key: { type: 'object', properties: { file: { type: 'string', minLength: 1 } }, required: ['file'], additionalProperties: false },
    plaintext: { enum: ['accepted'] },
    limits: {
      type: ['object', 'null'],
      properties: { stallTimeout: { type: ['string', 'number'] }, maxHold: { type: ['string', 'number'] } },
      additionalProperties: false,
    },
  },
  required: ['source', 'store'],
  additionalProperties: false,
}
