import { dirname, resolve } from 'node:path'
import { KpipeError } from '../contracts/index.ts'
import type { StageKind, StageBase } from '../contracts/index.ts'
import type { BackupLimits } from '../loop/limits.ts'
import type { LoadedStage } from '../stages/loaded-stage.ts'
import type { StageLoader } from '../stages/loader.ts'
import { pathText, schemaProblems } from '../stages/schema-problems.ts'
import { readSettings } from '../stages/settings.ts'
import type { Path, PipelineDocument } from './document.ts'
import { parseDocument } from './document.ts'
import { durationMs } from './duration.ts'
import { readHooks } from './hooks.ts'
import { askedFor, interpolate } from './interpolation.ts'
import type { Pipeline } from './pipeline.ts'
import { readPipelineText } from './pipeline-text.ts'
import type { Problem } from './problem.ts'
import { pipelineInvalid } from './problem.ts'
import { isSecretSetting } from './secret-settings.ts'
import { readRetention } from './retention.ts'
import type { NamedStage, PipelineKey, PipelineShape } from './shape.ts'
import { limitNames, pipelineSchema } from './shape.ts'
import { listedKinds, orderProblems } from './stage-order.ts'

export interface ReadPipelineOptions {
  readonly loader: StageLoader
  readonly env: Readonly<Record<string, string | undefined>>
  /** The list of a file that has none. */
  readonly defaultStages: readonly string[]
  /** The inspect stage of a file that lists none: the first of these. */
  readonly defaultInspect: readonly string[]
}

/** A pipeline file with all that is wrong with it. */
export interface ExaminedPipeline {
  /** Absolute. */
  readonly file: string
  readonly text: string
  readonly problems: readonly Problem[]
  /** Undefined when the text is no YAML. */
  readonly document: PipelineDocument | undefined
  /** Names of settings whose values are secrets, of all stages that could be loaded. */
  readonly secretSettings: readonly string[]
  /** Undefined when there are problems. */
  readonly pipeline: Pipeline | undefined
}

/**
 * Reads a pipeline file and loads its stages.
 * @throws KpipeError KPIPE_PIPELINE_MISSING, or KPIPE_PIPELINE_INVALID telling everything that is wrong with it
 */
export async function readPipeline(file: string, options: ReadPipelineOptions): Promise<Pipeline> {
  return soundPipeline(await examinePipeline(file, options))
}

/** @throws KpipeError KPIPE_PIPELINE_INVALID telling everything that is wrong */
export function soundPipeline({ file, text, problems, secretSettings, pipeline }: ExaminedPipeline): Pipeline {
  if (pipeline === undefined) throw pipelineInvalid(file, text, problems, secretSettings)
  return pipeline
}

/**
 * The same for who wants to look at the file itself.
 * @throws KpipeError KPIPE_PIPELINE_MISSING; KPIPE_PIPELINE_INVALID when the file is no text
 */
export async function examinePipeline(file: string, options: ReadPipelineOptions): Promise<ExaminedPipeline> {
  const folder = dirname(resolve(file))
  const text = await readPipelineText(file)
  const problems: Problem[] = []
  const document = await parseDocument(text, problems, (value, start, end) =>
    interpolate(value, {
      env: options.env,
      folder,
      onProblem(piece, message) {
        const at = text.indexOf(piece, start)
        const inside = at >= 0 && at < end
        problems.push({ start: inside ? at : start, end: inside ? at + piece.length : end, message })
      },
    }),
  )
  const secretSettings: string[] = []
  const pipeline = document && (await build(document, problems, secretSettings, resolve(file), folder, options))
  return { file: resolve(file), text, problems, document, secretSettings, pipeline }
}

/** Adds to `problems` whatever is wrong, and to `secretSettings` what must not be shown; the result is whole only when nothing is. */
async function build(
  document: PipelineDocument,
  problems: Problem[],
  secretSettings: string[],
  file: string,
  folder: string,
  { loader, defaultStages, defaultInspect }: ReadPipelineOptions,
): Promise<Pipeline | undefined> {
  const add = (path: Path, at: 'key' | 'value', message: string) => problems.push({ ...document.rangeOf(path, at), message })

  if (document.value === null) {
    add([], 'key', 'the file is empty')
    return undefined
  }
  const misshapen = await schemaProblems(pipelineSchema, document.value)
  for (const { path, at, message } of misshapen) add(path, at, message)
  if (misshapen.some(({ path, at }) => path.length === 0 && at === 'value')) return undefined
  const shape = document.value as PipelineShape
  const fits = (...path: Path) => !misshapen.some((problem) => path.every((name, i) => problem.path[i] === name))

  const secretVariables: string[] = []
  async function load(kinds: readonly StageKind[], named: NamedStage, ...path: Path): Promise<LoadedStage | undefined> {
    if (!fits(...path)) return undefined
    try {
      const found = await loader.load<StageKind>(kinds, named.use, folder)
      const stage = found.stage as StageBase<StageKind>
      secretSettings.push(...Object.keys(stage.settings.properties).filter((setting) => isSecretSetting(stage.settings, setting)))
      const read = await readSettings(stage.settings, named.with, folder)
      for (const problem of read.problems) add([...path, 'with', ...problem.path], problem.at, `stage ${named.use}: ${problem.message}`)
      const secrets = Object.keys(read.settings).filter((name) => isSecretSetting(stage.settings, name))
      secretVariables.push(...secrets.flatMap((name) => askedFor(document.written([...path, 'with', name]) ?? '').env))
      return { ...found, stage, settings: read.settings }
    } catch (error) {
      if (!(error instanceof KpipeError)) throw error
      add([...path, 'use'], 'value', error.message)
      return undefined
    }
  }

  const source = shape.source && (await load(['source'], shape.source, 'source'))
  const store = shape.store && (await load(['store'], shape.store, 'store'))

  const named = fits('stages') || Array.isArray(shape.stages) ? (shape.stages ?? defaultStages.map((use) => ({ use }))) : []
  const list: (LoadedStage | undefined)[] = []
  for (const [index, stage] of named.entries()) list.push(await load(listedKinds, stage, 'stages', index))
  const stages = list.filter((stage) => stage !== undefined)
  const codecs = stages.filter(({ stage }) => stage.kind === 'codec') as unknown as Pipeline['codecs']
  if (stages.length === named.length && fits('stages')) {
    const kinds = stages.map(({ stage }) => stage.kind)
    for (const { index, message } of orderProblems(
      kinds,
      named.map(({ use }) => use),
    )) {
      add(index === undefined ? ['stages'] : ['stages', index, 'use'], index === undefined ? 'key' : 'value', message)
    }
    if (!codecs.some(({ stage }) => stage.seals) && shape.plaintext === undefined) {
      add(['stages'], 'key', 'no stage of the list seals, and "plaintext: accepted" is not there')
    }
  }
  const listed = (kind: StageKind) => stages.find(({ stage }) => stage.kind === kind)
  const inspect = listed('inspect') ?? (defaultInspect[0] === undefined ? undefined : await load(['inspect'], { use: defaultInspect[0] }))

  /** Milliseconds of the duration that stands there, if there is one. */
  const durationAt = (path: Path): number | undefined => {
    const given = path.reduce<unknown>((value, name) => (value as Record<string | number, unknown> | null | undefined)?.[name], shape)
    if (given === undefined || !fits(...path)) return undefined
    const ms = durationMs(given as string | number)
    if (ms === undefined) add(path, 'value', `"${pathText(path)}" must be seconds, or a duration such as 60s or 10m`)
    return ms
  }
  const limits: Partial<Record<keyof BackupLimits, number>> = {}
  for (const [name, limit] of limitNames) {
    const ms = durationAt(['limits', name])
    if (ms !== undefined) limits[limit] = ms
  }
  if (shape.key !== undefined && fits('key')) {
    if (Object.keys(shape.key).length !== 1) add(['key'], 'key', '"key" must have one of file, passwordFile and password')
    secretVariables.push(...askedFor(document.written(['key', 'password']) ?? '').env)
  }
  const hooks = fits('hooks') ? readHooks(shape.hooks, durationAt) : readHooks(null, durationAt)
  const retention = readRetention(shape.retention, (path, message) => add(path, 'value', message), fits)
  const attached = fits('attach') ? (shape.attach ?? []).map((path) => resolve(folder, path)) : []
  for (const [index, path] of attached.entries())
    if (attached.indexOf(path) < index) add(['attach', index], 'value', `"attach" names ${path} twice`)
  const delayMs = fits('retry', 'delay') ? durationAt(['retry', 'delay']) : undefined
  if (problems.length > 0) return undefined
  return {
    file,
    folder,
    name: shape.name,
    source: source as unknown as Pipeline['source'],
    stages,
    chunk: listed('chunk') as unknown as Pipeline['chunk'],
    hash: listed('hash') as unknown as Pipeline['hash'],
    inspect: inspect as unknown as Pipeline['inspect'],
    codecs,
    attach: attached,
    store: store as unknown as Pipeline['store'],
    key: shape.key && absoluteKey(folder, shape.key),
    plaintextAccepted: shape.plaintext === 'accepted',
    limits,
    hooks,
    metrics: shape.metrics && { textfile: resolve(folder, shape.metrics.textfile) },
    retry: shape.retry ? { attempts: shape.retry.attempts ?? 3, delayMs: delayMs ?? 30_000 } : { attempts: 1, delayMs: 0 },
    retention,
    secretVariables,
  }
}

/** Paths are relative to the file; a password is none. */
function absoluteKey(folder: string, { file, passwordFile, password }: PipelineKey): PipelineKey {
  if (file !== undefined) return { file: resolve(folder, file) }
  return passwordFile !== undefined ? { passwordFile: resolve(folder, passwordFile) } : { password: password! }
}
