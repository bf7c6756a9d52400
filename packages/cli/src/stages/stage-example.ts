import { stringify } from 'yaml'
import type { PropertySchema, SettingsSchema, StageKind } from '@kpipe/engine/contracts'

/** How a pipeline file uses a stage, made of what its schema says. Targets stand in no file: `restore --to` chooses them. */
export function stageExample(use: string, kind: StageKind, schema: SettingsSchema): string {
  const settings = exampleSettings(schema)
  const stage = Object.keys(settings).length > 0 ? { use, with: settings } : { use }
  if (kind === 'target') return stringify(stage)
  return stringify(kind === 'source' || kind === 'store' ? { [kind]: stage } : { stages: [stage] })
}

/** What is required and what has an example; the defaults when there is neither. */
export function exampleSettings({ properties, required = [] }: SettingsSchema): Record<string, unknown> {
  const shown = Object.entries(properties).filter(([name, property]) => required.includes(name) || property.examples !== undefined)
  const chosen = shown.length > 0 ? shown : Object.entries(properties).filter(([, property]) => property.default !== undefined)
  return Object.fromEntries(chosen.map(([name, property]) => [name, exampleOf(property)]))
}

function exampleOf({ examples, default: usual, enum: choices, type, format, items, minimum }: PropertySchema): unknown {
  const given = examples?.[0] ?? usual ?? choices?.[0]
  if (given !== undefined) return given
  if (format === 'path') return './path'
  switch (type) {
    case 'integer':
    case 'number':
      return minimum ?? 1
    case 'boolean':
      return true
    case 'array':
      return [exampleOf({ description: '', ...items })]
    case 'object':
      return {}
    default:
      return 'text'
  }
}
