import { resolve } from 'node:path'
import type { Pipeline } from '@kpipe/engine'
import type { SettingFromEnvironment, SettingsSchema } from '@kpipe/engine/contracts'
import type { Environment } from './pipeline-file.ts'

/** Settings of the source that the pipeline file leaves out and the environment gives, by name. */
export type FilledSettings = Readonly<Record<string, SettingFromEnvironment>>

/** A pipeline whose source has what its stage finds in the environment. The file is never overridden. */
export function filledFromEnvironment(
  pipeline: Pipeline,
  env: Environment,
): { readonly pipeline: Pipeline; readonly filled: FilledSettings } {
  const { source } = pipeline
  const found = Object.entries(source.stage.fromEnvironment?.(source.settings, env) ?? {})
  const missing = found.filter(([name]) => source.settings[name] === undefined)
  const filled = Object.fromEntries(missing.map(([name, setting]) => [name, absolute(source.stage.settings, name, setting)]))
  if (missing.length === 0) return { pipeline, filled }
  const settings = { ...source.settings, ...Object.fromEntries(Object.entries(filled).map(([name, { value }]) => [name, value])) }
  return { pipeline: { ...pipeline, source: { ...source, settings } }, filled }
}

/** A variable is of the shell that set it, and so is the folder that its paths begin at. */
function absolute({ properties }: SettingsSchema, name: string, { value, variable }: SettingFromEnvironment): SettingFromEnvironment {
  const isPath = properties[name]?.format === 'path' && typeof value === 'string'
  return { value: isPath ? resolve(value) : value, variable }
}
