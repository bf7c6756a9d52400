import type { StageBase, StageKind } from '../contracts/index.ts'

/** Methods that each kind of stage has. */
const methods: Record<StageKind, readonly string[]> = {
  source: ['open'],
  chunk: ['plan', 'anchor', 'cut'],
  hash: ['open'],
  inspect: ['plan', 'look', 'collect'],
  codec: ['open'],
  store: ['open'],
  target: ['open'],
}

/** What keeps `value` from being a stage; undefined when it is one. */
export function stageFault(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return `is ${value === null ? 'null' : typeof value}, not an object`
  const { kind, summary, settings, ...rest } = value as Record<string, unknown>
  if (!isKind(kind)) return `has the kind ${JSON.stringify(kind)}, which is none of ${Object.keys(methods).join(', ')}`
  if (typeof summary !== 'string') return 'has no summary'
  if (!isSchema(settings)) return 'has no schema of its settings'
  const missing = methods[kind].filter((name) => typeof rest[name] !== 'function')
  if (missing.length > 0) return `lacks ${missing.join(', ')}, which a ${kind} stage has`
  if (kind === 'codec' && typeof rest['seals'] !== 'boolean') return 'lacks seals, which a codec stage has'
  return undefined
}

export function isStage(value: unknown): value is StageBase<StageKind> {
  return stageFault(value) === undefined
}

function isKind(kind: unknown): kind is StageKind {
  return typeof kind === 'string' && Object.hasOwn(methods, kind)
}

function isSchema(settings: unknown): boolean {
  const schema = settings as Partial<Record<string, unknown>> | null | undefined
  return schema?.['type'] === 'object' && typeof schema['properties'] === 'object' && schema['properties'] !== null
}
