import type { PropertySchema, SettingsSchema } from '@kpipe/engine/contracts'

/** One setting in words. */
export interface SettingRow {
  readonly name: string
  /** Such as `integer, 1 to 19` or `list of strings, required`. */
  readonly type: string
  /** Such as `3`; empty when there is none. */
  readonly default: string
  readonly description: string
}

export function settingRows({ properties, required = [] }: SettingsSchema): SettingRow[] {
  return Object.entries(properties).map(([name, property]) => ({
    name,
    type: required.includes(name) ? `${typeText(property)}, required` : typeText(property),
    default: property.default === undefined ? '' : valueText(property.default),
    description: property.description,
  }))
}

function typeText({ type, format, items, enum: choices, minimum, maximum }: PropertySchema): string {
  if (choices) return choices.map(valueText).join(' | ')
  if (format === 'path') return 'path'
  if (type === 'array') return `list of ${items?.['format'] === 'path' ? 'paths' : `${String(items?.['type'] ?? 'value')}s`}`
  const name = type ?? 'any value'
  if (minimum !== undefined && maximum !== undefined) return `${name}, ${minimum} to ${maximum}`
  if (minimum !== undefined) return `${name}, at least ${minimum}`
  return maximum === undefined ? name : `${name}, at most ${maximum}`
}

function valueText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
