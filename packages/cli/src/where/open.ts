import { existsSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { defaultLimits, examinePipeline, readPipeline, useStage } from '@kpipe/engine'
import type { ExaminedPipeline, LoadedStage, Pipeline, StageLoader } from '@kpipe/engine'
import { KpipeError } from '@kpipe/engine/contracts'
import type { Store, StoreStage } from '@kpipe/engine/contracts'
import { openRepository, parseHead, unremembered } from '@kpipe/repository'
import type { Repository } from '@kpipe/repository'
import { withHint } from '../failure.ts'
import type { Terminal } from '../terminal.ts'
import { doubtOf } from './doubt-of.ts'
import { noteOpened } from './opened.ts'
import { filledFromEnvironment } from './from-environment.ts'
import type { FilledSettings } from './from-environment.ts'
import { findPipelineFile, whyPipelineFile } from './pipeline-file.ts'
import { hasRepository } from './has-repository.ts'
import { impatientStore } from './impatient-store.ts'
import type { Environment } from './pipeline-file.ts'
import { findSecret } from './secret.ts'
import { defaultInspect, defaultStages, openStages, parseOverrides } from './stages.ts'
import { timedStore } from './timed-store.ts'
import { stateFolder } from './user-folders.ts'

/** The flags that say where a repository is and what opens it. */
export interface WhereFlags {
  readonly config?: string | undefined
  readonly store?: string | undefined
  readonly 'key-file'?: string | undefined
  readonly 'recovery-phrase-file'?: string | undefined
  readonly 'password-file'?: string | undefined
  readonly 'expect-head'?: string | undefined
  readonly stage?: string[] | undefined
}

export interface Where {
  readonly stages: StageLoader
  /** Names given with `--stage`. */
  readonly overrides: readonly string[]
  /** Undefined with `--store`. */
  readonly pipeline: Pipeline | undefined
  /** What the pipeline's source has from the environment. */
  readonly filled?: FilledSettings
  readonly store: LoadedStage<StoreStage>
}

/** What the flags and the pipeline file say, before anything is opened. @throws KpipeError KPIPE_PIPELINE_*, KPIPE_STAGE_*, KPIPE_USAGE */
export async function locate(flags: WhereFlags, env: Environment = process.env): Promise<Where> {
  const given = parseOverrides(flags.stage)
  const [stages, overrides] = [openStages(given), [...given.keys()]]
  if (flags.store !== undefined) {
    if (flags.config !== undefined) throw new KpipeError('KPIPE_USAGE', '--store and --config were both given, and each names a repository')
    return {
      stages,
      overrides,
      pipeline: undefined,
      store: await useStage(stages, 'store', 'store-fs', { path: flags.store }, process.cwd()),
    }
  }
  const read = await readPipelineFile(findPipelineFile(flags.config, env), stages, env)
  const { pipeline, filled } = filledFromEnvironment(read, env)
  return { stages, overrides, pipeline, filled, store: pipeline.store }
}

export function readPipelineFile(file: string, loader: StageLoader, env: Environment): Promise<Pipeline> {
  return readPipeline(file, { loader, env: { ...env }, defaultStages, defaultInspect })
}

/** The same for who wants to tell of the file itself, whatever is wrong with it. */
export function examinePipelineFile(file: string, loader: StageLoader, env: Environment): Promise<ExaminedPipeline> {
  return examinePipeline(file, { loader, env: { ...env }, defaultStages, defaultInspect })
}

/** The store, which may not hang. */
export async function openStore({ store, pipeline }: Pick<Where, 'store' | 'pipeline'>, signal: AbortSignal): Promise<Store> {
  const opened = await store.stage.open(store.settings as never, { signal })
  return timedStore(impatientStore(opened, pipeline?.limits.stallTimeoutMs ?? defaultLimits.stallTimeoutMs))
}

/** Opens the repository that was located. @throws KpipeError KPIPE_NO_REPOSITORY and KPIPE_KEY_*, among others */
export async function openLocated(
  where: Where,
  flags: WhereFlags,
  options: { readonly terminal: Terminal; readonly signal: AbortSignal },
  env: Environment = process.env,
): Promise<Repository> {
  const { terminal, signal } = options
  const { pipeline } = where
  if (pipeline !== undefined) terminal.explain(`pipeline file: ${pipeline.file}, ${whyPipelineFile(flags.config, env)}`)
  explainFilled(where, terminal)
  const store = await openStore(where, signal)
  terminal.explain(`store: ${store.location}, from ${pipeline === undefined ? '--store' : 'the pipeline file'}`)
  // Who never made a repository has no key either, and needs to hear of the repository first.
  if (!(await hasRepository(store)))
    throw noRepository(new KpipeError('KPIPE_NO_REPOSITORY', `there is no repository at ${store.location}`), where.pipeline)
  const secret = await findSecret(
    {
      keyFile: flags['key-file'],
      phraseFile: flags['recovery-phrase-file'],
      passwordFile: flags['password-file'],
      pipelineKey: where.pipeline?.key,
      env,
    },
    terminal,
  )
  const expectHead = flags['expect-head'] ?? env['KPIPE_EXPECT_HEAD']
  const memory: { stateFolder?: string } =
    where.pipeline !== undefined || existsSync(stateFolder(env)) ? { stateFolder: stateFolder(env) } : {}
  const warn = (message: string) => terminal.warn(message)
  try {
    const repository = await openRepository({ store, secret, warn, doubtOf, ...memory, ...(expectHead ? { expectHead } : {}) })
    noteOpened(repository)
    const head = parseHead(repository.head)!
    if (memory.stateFolder === undefined && !expectHead && head.n > 0) warn(unremembered(store.location, head))
    return repository
  } catch (error) {
    throw noRepository(error, where.pipeline)
  }
}

/** Which settings of the source are not of the file. */
export function explainFilled({ filled = {} }: Where, terminal: Terminal): void {
  for (const [name, { variable }] of Object.entries(filled)) terminal.explain(`${name} of the source: from ${variable}`)
}

/** Names the very command that makes the repository. */
function noRepository(error: unknown, pipeline: Pipeline | undefined): unknown {
  if (!(error instanceof KpipeError) || error.code !== 'KPIPE_NO_REPOSITORY' || pipeline === undefined) return error
  return withHint(error, `Create it with \`kpipe init -c ${shortPath(pipeline.file)}\`.`)
}

/** As a person in this folder would type it. */
function shortPath(file: string): string {
  return dirname(file) === process.cwd() ? basename(file) : file
}
