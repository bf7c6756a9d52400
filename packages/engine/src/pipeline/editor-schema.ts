/* oxlint-disable unicorn/no-thenable -- `then` is a keyword of JSON Schema; nobody awaits a schema. */
import type { CodecStage, PropertySchema, SettingsSchema, StageBase, StageKind } from '../contracts/index.ts'
import { pipelineSchema } from './shape.ts'
import { listedKinds } from './stage-order.ts'

/** A stage of kpipe itself under the name that pipeline files use. A name may stand for stages of several kinds. */
export interface OwnStage {
  readonly name: string
  readonly stage: StageBase<StageKind>
}

type Schema = Readonly<Record<string, unknown>>

export const editorSchemaTitle = 'kpipe pipeline file'

/** What interpolation.ts fills in may become anything. */
const filledIn = { type: 'string', pattern: '\\$\\{' }
/** What duration.ts reads. */
const durationPattern = '^\\s*\\d+(\\.\\d+)?\\s*(ms|s|m|h)?\\s*$'

/**
 * JSON Schema (2020-12) of a pipeline file for editors: with the settings of kpipe's own stages. It allows whatever may be
 * right, such as stages that it does not know; what it refuses is wrong.
 */
export function editorSchema(own: readonly OwnStage[]): Schema {
  const { properties } = pipelineSchema
  const listed = stageAt(properties.stages.items, listedKinds, own)
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: editorSchemaTitle,
    ...pipelineSchema,
    properties: {
      ...(withDurations(properties) as typeof properties),
      source: stageAt(properties.source, ['source'], own),
      stages: { ...properties.stages, items: listed },
      store: stageAt(properties.store, ['store'], own),
      key: { ...properties.key, minProperties: 1, maxProperties: 1 },
    },
    allOf: listRules(own.filter(({ stage }) => (listedKinds as readonly string[]).includes(stage.kind))),
  }
}

/** A place where a stage of one of these kinds stands. */
function stageAt(place: { readonly properties: Schema }, kinds: readonly StageKind[], own: readonly OwnStage[]): Schema {
  const fitting = own.filter(({ stage }) => kinds.includes(stage.kind))
  const names = fitting.map(({ name }) => name)
  const others = own.map(({ name }) => name).filter((name) => !names.includes(name))
  return {
    ...place,
    properties: {
      ...place.properties,
      use: { ...(place.properties['use'] as Schema), anyOf: [{ enum: names }, { not: { enum: others.flatMap(spellings) } }] },
    },
    allOf: fitting.map(({ name, stage }) => ({
      if: { properties: { use: { enum: spellings(name) } }, required: ['use'] },
      then: {
        properties: { with: { description: stage.summary, ...settingsSchema(stage.settings) } },
        ...(needsSettings(stage) && { required: ['with'] }),
      },
    })),
  }
}

function settingsSchema(settings: SettingsSchema): Schema {
  const properties = Object.fromEntries(Object.entries(settings.properties).map(([name, property]) => [name, orFilledIn(property)]))
  return { ...settings, type: (settings.required ?? []).length > 0 ? 'object' : ['object', 'null'], properties }
}

/** Text that must be of some form may also be filled in. `path` is no format that editors know. */
function orFilledIn({ format: _path, ...property }: PropertySchema): Schema {
  const { description, default: usual, examples, ...form } = property
  if (property.items !== undefined) return { ...property, items: eitherForm(property.items) }
  return { description, ...(usual !== undefined && { default: usual }), ...(examples && { examples }), ...eitherForm(form) }
}

function eitherForm(form: Schema): Schema {
  const { format: _path, ...rest } = form
  const isLimited = ['pattern', 'enum', 'minLength'].some((keyword) => keyword in rest)
  return rest['type'] === 'string' && isLimited ? { anyOf: [rest, filledIn] } : rest
}

/** For lists of kpipe's own stages alone: what each must hold, and that nothing is stored in clear unless it is meant. */
function listRules(listed: readonly OwnStage[]): Schema[] {
  const using = (names: readonly string[]) => ({ properties: { use: { enum: names.flatMap(spellings) } }, required: ['use'] })
  const allOf = (names: readonly string[]) => ({
    properties: { stages: { type: 'array', items: using(names) } },
    required: ['stages'],
  })
  const namesOf = (test: (stage: StageBase<StageKind>) => boolean) => listed.filter(({ stage }) => test(stage)).map(({ name }) => name)
  const open = namesOf((stage) => !(stage.kind === 'codec' && (stage as CodecStage).seals))
  const once = (kind: StageKind) => ({
    properties: { stages: { contains: using(namesOf((stage) => stage.kind === kind)), minContains: 1, maxContains: 1 } },
  })
  return [
    { if: allOf(open), then: { required: ['plaintext'] } },
    { if: allOf(listed.map(({ name }) => name)), then: { allOf: [once('chunk'), once('hash')] } },
  ]
}

function needsSettings({ settings }: StageBase<StageKind>): boolean {
  return (settings.required ?? []).length > 0
}

function spellings(name: string): string[] {
  return [name, `@kpipe/stage-${name}`]
}

/** Durations are checked by hand when a file is read, for a better sentence. */
function withDurations(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withDurations)
  if (typeof schema !== 'object' || schema === null) return schema
  const changed = Object.fromEntries(Object.entries(schema).map(([name, inside]) => [name, withDurations(inside)]))
  const isDuration = Array.isArray(changed['type']) && changed['type'].join() === 'string,number'
  return isDuration ? { ...changed, exclusiveMinimum: 0, pattern: `${durationPattern}|${filledIn.pattern}` } : changed
}
