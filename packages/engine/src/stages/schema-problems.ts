import type { OutputUnit, Schema } from '@cfworker/json-schema'
import { nearest } from './nearest.ts'

/** One thing that is wrong with a value. Messages never show values, which may be secrets. */
export interface SchemaProblem {
  readonly path: readonly (string | number)[]
  /** Whether the problem shows at the last name of `path` or at what it holds. What is missing shows at the name of the map that lacks it. */
  readonly at: 'key' | 'value'
  readonly message: string
}

/** Everything in `value` that `schema` (JSON Schema 2020-12) does not allow, in one sentence each. */
export async function schemaProblems(schema: object, value: unknown): Promise<SchemaProblem[]> {
  const { Validator } = await import('@cfworker/json-schema')
  const { errors } = new Validator(schema as Schema, '2020-12', false).validate(value)
  const problems = new Map<string, SchemaProblem>()
  for (const error of errors) {
    for (const problem of problemsOf(error, schema as Schema, value)) {
      const place = JSON.stringify([problem.path, error.keyword === 'required' ? problem.message : problem.at])
      // The first is the most basic one: a number in place of a string is no news about the string's pattern.
      if (!problems.has(place)) problems.set(place, problem)
    }
  }
  return [...problems.values()]
}

function problemsOf(error: OutputUnit, schema: Schema, value: unknown): SchemaProblem[] {
  const path = pathOf(error.instanceLocation, value)
  const part = partOf(schema, path)
  const seen = valueAt(value, path)
  const say = (message: string): SchemaProblem[] => [{ path, at: 'value', message: `${nameOf(path)} ${message}` }]
  switch (error.keyword) {
    case 'required':
      return (part.required ?? [])
        .filter((name) => !Object.hasOwn(seen as object, name))
        .map((name) => ({ path, at: 'key', message: `${nameOf([...path, name])} is missing` }))
    case 'false':
      return [unknownKey(path, Object.keys(partOf(schema, path.slice(0, -1)).properties ?? {}))]
    case 'type':
      return say(`must be ${[part.type].flat().filter(isSaid).map(typeName).join(' or ')}, but is ${kindOf(seen)}`)
    case 'enum':
    case 'const':
      return say(
        `must be ${choices(part.enum ?? [part.const])}${guess(typeof seen === 'string' ? nearest(seen, strings(part.enum)) : undefined)}`,
      )
    case 'minimum':
      return say(`must be at least ${part.minimum}`)
    case 'maximum':
      return say(`must be at most ${part.maximum}`)
    case 'exclusiveMinimum':
      return say(`must be more than ${part.exclusiveMinimum}`)
    case 'minLength':
      return say(part.minLength === 1 ? 'must not be empty' : `must have at least ${part.minLength} characters`)
    case 'minItems':
      return say(part.minItems === 1 ? 'must not be empty' : `must have at least ${part.minItems} entries`)
    case 'pattern':
      return say(`must match ${part.pattern}`)
    // These only repeat that something inside them is wrong.
    case 'properties':
    case 'additionalProperties':
    case 'items':
      return []
    default:
      return say(`is not allowed: ${error.keyword}`)
  }
}

function unknownKey(path: readonly (string | number)[], known: readonly string[]): SchemaProblem {
  const name = String(path.at(-1))
  const near = nearest(name, known)
  const instead = near === undefined ? `; known: ${known.join(', ') || 'none'}` : guess(near)
  return { path, at: 'key', message: `${nameOf(path)} is unknown${instead}` }
}

function guess(near: string | undefined): string {
  return near === undefined ? '' : `; nearest: ${near}`
}

/** `#/endpoints/1` with `~1` for a slash and `~0` for a tilde (RFC 6901). */
function pathOf(pointer: string, value: unknown): (string | number)[] {
  const path: (string | number)[] = []
  for (const part of pointer.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~')
    path.push(Array.isArray(valueAt(value, path)) ? Number(name) : name)
  }
  return path
}

function partOf(schema: Schema, path: readonly (string | number)[]): Schema {
  let part = schema
  for (const name of path) part = ((typeof name === 'number' ? part.items : part.properties?.[name]) ?? {}) as Schema
  return part
}

function valueAt(value: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce((inside, name) => (inside as Record<string | number, unknown>)[name], value)
}

function nameOf(path: readonly (string | number)[]): string {
  return path.length === 0 ? 'this' : `"${pathText(path)}"`
}

/** `stages[0].with.level` */
export function pathText(path: readonly (string | number)[]): string {
  return path.map((name, i) => (typeof name === 'number' ? `[${name}]` : i === 0 ? name : `.${name}`)).join('')
}

const strings = (values: readonly unknown[] = []) => values.filter((value) => typeof value === 'string')

function choices(values: readonly unknown[]): string {
  const names = values.map((value) => JSON.stringify(value))
  return names.length === 1 ? names[0] : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`
}

const typeNames: Record<string, string> = {
  string: 'a string',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  null: 'empty',
}

/** That a map may also be left empty is no news to someone who has written something else. */
const isSaid = (type: string | undefined) => type !== 'null'

const typeName = (type: string | undefined) => typeNames[type ?? ''] ?? String(type)

function kindOf(value: unknown): string {
  if (value === null) return 'empty'
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'boolean' ? String(value) : typeName(typeof value)
}
