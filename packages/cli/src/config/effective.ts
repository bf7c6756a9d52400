import { askedFor, countRules, defaultLimits, hookTimes, isSecretSetting, placesIn } from '@kpipe/engine'
import type { ExaminedPipeline, Path, Pipeline, PipelineDocument } from '@kpipe/engine'
import { defaultInspect, defaultStages } from '../where/stages.ts'
import { filledFromEnvironment } from '../where/from-environment.ts'
import { placedStages } from '../where/placed-stages.ts'
import { hidden, withoutPassword } from './hidden.ts'

/** Where a value comes from. */
export type Origin =
  | { readonly kind: 'file'; readonly line: number; readonly env: readonly string[]; readonly files: readonly string[] }
  | { readonly kind: 'flag' | 'environment'; readonly name: string }
  | { readonly kind: 'default' }

export interface Setting {
  readonly path: Path
  readonly value: unknown
  readonly origin: Origin
}

/** What stands above the pipeline file. */
export interface Overrides {
  /** `--name`; undefined when it was not given. */
  readonly name: string | undefined
  /** `--key-file`, absolute. */
  readonly keyFile: string | undefined
  readonly recoveryPhraseFile: string | undefined
  readonly passwordFile: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
}

/** Everything that a run would go by, in the order of the file, secrets hidden. */
export function effectiveSettings(examined: ExaminedPipeline, read: Pipeline, overrides: Overrides): Setting[] {
  const { pipeline, filled } = filledFromEnvironment(read, overrides.env)
  const document = examined.document as PipelineDocument
  const place = placesIn(examined.text.split('\n'))
  const originOf = (path: Path): Origin => {
    const [variable] = path[0] === 'source' && path.length === 3 ? [filled[String(path[2])]?.variable] : []
    if (variable !== undefined) return { kind: 'environment', name: variable }
    if (!document.has(path)) return { kind: 'default' }
    const { line } = place(document.rangeOf(path, 'value').start)
    return { kind: 'file', line, ...askedFor(writtenIn(document, path)) }
  }
  const settings: Setting[] = []
  const add = (path: Path, value: unknown) => value !== undefined && settings.push({ path, value, origin: originOf(path) })

  if (overrides.name !== undefined) settings.push({ path: ['name'], value: overrides.name, origin: { kind: 'flag', name: '--name' } })
  else add(['name'], pipeline.name)
  for (const [index, path] of pipeline.attach.entries()) add(['attach', index], path)
  for (const { path, loaded } of placedStages(pipeline)) {
    const use = document.written([...path, 'use']) ?? (path[0] === 'stages' ? defaultStages[Number(path[1])] : undefined)
    add([...path, 'use'], use ?? loaded.package)
    for (const name of Object.keys(loaded.stage.settings.properties)) {
      const at = [...path, 'with', name]
      const value = loaded.settings[name]
      add(at, value === undefined ? undefined : isSecretSetting(loaded.stage.settings, name) ? hidden : shown(document, at, value))
    }
  }
  if (pipeline.inspect !== undefined && !pipeline.stages.some(({ stage }) => stage.kind === 'inspect'))
    add(['inspect', 'use'], defaultInspect[0])
  const key = keyOf(overrides)
  if (key !== undefined) settings.push(key)
  else {
    add(['key', 'file'], pipeline.key?.file)
    add(['key', 'passwordFile'], pipeline.key?.passwordFile)
    add(['key', 'password'], pipeline.key?.password === undefined ? undefined : hidden)
  }
  if (pipeline.plaintextAccepted) add(['plaintext'], 'accepted')
  add(['limits', 'stallTimeout'], `${(pipeline.limits.stallTimeoutMs ?? defaultLimits.stallTimeoutMs) / 1000}s`)
  add(['limits', 'maxHold'], `${(pipeline.limits.maxHoldMs ?? defaultLimits.maxHoldMs) / 1000}s`)
  addHooks(pipeline, document, add)
  add(['metrics', 'textfile'], pipeline.metrics?.textfile)
  add(['retry', 'attempts'], pipeline.retry.attempts)
  if (pipeline.retry.attempts > 1) add(['retry', 'delay'], `${pipeline.retry.delayMs / 1000}s`)
  addRetention(pipeline, add)
  return settings
}

function addRetention({ retention }: Pipeline, add: (path: Path, value: unknown) => void): void {
  if (retention === undefined) return
  for (const rule of countRules) add(['retention', rule], retention.counts[rule])
  add(['retention', 'keep-within'], retention.within)
  if (retention.tags.length > 0) add(['retention', 'keep-tag'], retention.tags)
  add(['retention', 'prune'], retention.prune)
  add(['retention', 'timezone'], retention.timezone ?? 'UTC')
}

/** What opens the repository, when it is not the file that says it; see where/secret.ts for the order. */
function keyOf({ keyFile, recoveryPhraseFile, passwordFile, env }: Overrides): Setting | undefined {
  if (keyFile !== undefined) return { path: ['key', 'file'], value: keyFile, origin: { kind: 'flag', name: '--key-file' } }
  if (recoveryPhraseFile !== undefined) {
    return { path: ['key', 'recoveryPhraseFile'], value: recoveryPhraseFile, origin: { kind: 'flag', name: '--recovery-phrase-file' } }
  }
  if (passwordFile !== undefined)
    return { path: ['key', 'passwordFile'], value: passwordFile, origin: { kind: 'flag', name: '--password-file' } }
  if (env['KPIPE_KEY_FILE']) {
    return { path: ['key', 'file'], value: env['KPIPE_KEY_FILE'], origin: { kind: 'environment', name: 'KPIPE_KEY_FILE' } }
  }
  if (env['KPIPE_RECOVERY_PHRASE']) {
    return { path: ['key', 'recoveryPhrase'], value: hidden, origin: { kind: 'environment', name: 'KPIPE_RECOVERY_PHRASE' } }
  }
  if (env['KPIPE_PASSWORD']) return { path: ['key', 'password'], value: hidden, origin: { kind: 'environment', name: 'KPIPE_PASSWORD' } }
  return undefined
}

function addHooks(pipeline: Pipeline, document: PipelineDocument, add: (path: Path, value: unknown) => void): void {
  for (const when of hookTimes) {
    const single = document.has(['hooks', when, 'run'])
    for (const [index, { run, onFailure, timeoutMs }] of pipeline.hooks[when].entries()) {
      const path = ['hooks', when, ...(single ? [] : [index])]
      add([...path, 'run'], shown(document, [...path, 'run'], run))
      add([...path, 'onFailure'], onFailure)
      add([...path, 'timeout'], `${timeoutMs / 1000}s`)
    }
  }
}

/** The text of a value, or of all items of a list. */
function writtenIn(document: PipelineDocument, path: Path): string {
  const parts = [document.written(path) ?? '']
  for (let index = 0; document.has([...path, index]); index++) parts.push(document.written([...path, index]) ?? '')
  return parts.join('\n')
}

/** A value; or what is written, when it is filled from a file or into a command: such things are often secrets. */
function shown(document: PipelineDocument, path: Path, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item, index) => shown(document, [...path, index], item))
  const written = document.written(path) ?? ''
  const { env, files } = askedFor(written)
  if (files.length > 0 || (path[0] === 'hooks' && env.length > 0)) return written
  return typeof value === 'string' ? withoutPassword(value) : value
}
