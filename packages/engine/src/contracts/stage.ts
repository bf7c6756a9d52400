/** A JSON Schema (2020-12) of a stage's settings, as plain data: it drives parsing, errors with line and column, and documentation. */
export interface SettingsSchema {
  readonly type: 'object'
  readonly properties: Readonly<Record<string, PropertySchema>>
  readonly required?: readonly string[]
  readonly additionalProperties: false
}

export interface PropertySchema {
  readonly type?: 'string' | 'integer' | 'number' | 'boolean' | 'array' | 'object'
  readonly description: string
  readonly default?: unknown
  readonly examples?: readonly unknown[]
  readonly enum?: readonly unknown[]
  readonly items?: Readonly<Record<string, unknown>>
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly minItems?: number
  readonly pattern?: string
  /** `path`: relative ones are resolved against the pipeline file's folder before the stage sees them. */
  readonly format?: 'path'
  /** A secret: taken, never shown and never recorded. */
  readonly writeOnly?: true
}

export type StageKind = 'source' | 'chunk' | 'hash' | 'inspect' | 'codec' | 'store' | 'target'

export interface StageBase<Kind extends StageKind> {
  readonly kind: Kind
  /** One line, shown by `kpipe stages`. */
  readonly summary: string
  readonly settings: SettingsSchema
}

/**
 * What a stage knows of a stream. Plain data that msgpack can hold: 64-bit ids are 16 hex digits, revisions and
 * indexes are numbers below 2^53.
 */
export type Fact = string | number | boolean | null | readonly Fact[] | { readonly [name: string]: Fact }
export type Facts = { readonly [name: string]: Fact }
