import { resolve } from 'node:path'
import type { SettingsSchema } from '../contracts/index.ts'
import type { SchemaProblem } from './schema-problems.ts'
import { schemaProblems } from './schema-problems.ts'

export interface ReadSettings {
  readonly settings: Record<string, unknown>
  /** All that is wrong; the settings are not to be used unless this is empty. */
  readonly problems: readonly SchemaProblem[]
}

/** Checks settings against a stage's schema, fills in defaults, and makes paths absolute. No settings at all count as `{}`. */
export async function readSettings(schema: SettingsSchema, settings: unknown, folder: string): Promise<ReadSettings> {
  const given = settings ?? {}
  const problems = await schemaProblems(schema, given)
  if (problems.length > 0) return { settings: {}, problems }
  const read: Record<string, unknown> = { ...given }
  for (const [name, property] of Object.entries(schema.properties)) {
    if (!(name in read) && property.default !== undefined) read[name] = structuredClone(property.default)
    const value = read[name]
    if (property.format === 'path') read[name] = absolute(value, folder)
    if (property.items?.['format'] === 'path' && Array.isArray(value)) read[name] = value.map((item) => absolute(item, folder))
    if (read[name] === undefined) delete read[name]
  }
  return { settings: read, problems }
}

/** `-` is standard input or output. */
function absolute(path: unknown, folder: string): unknown {
  return typeof path === 'string' && path !== '-' ? resolve(folder, path) : path
}
