import { readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'
import { basename } from 'node:path'
import type {
  ChunkStage,
  CodecStage,
  HashStage,
  InspectStage,
  SourceStage,
  StageBase,
  StageKind,
  StoreStage,
  TargetStage,
} from '../contracts/index.ts'
import { KpipeError } from '../contracts/index.ts'
import { blamedStage } from './blamed-stage.ts'
import { importModule } from './import-module.ts'
import { nearest } from './nearest.ts'
import type { ResolvedName, ResolveOptions } from './resolve-name.ts'
import { resolveName } from './resolve-name.ts'
import { isStage, stageFault } from './stage-shape.ts'
import { engineFault } from './wanted-engine.ts'
import type { StageManifest } from './wanted-engine.ts'

interface StageTypes {
  source: SourceStage
  chunk: ChunkStage
  hash: HashStage
  inspect: InspectStage
  codec: CodecStage
  store: StoreStage
  target: TargetStage
}

export type StageOfKind<Kind extends StageKind> = StageTypes[Kind]

export interface FoundStage<Stage = StageBase<StageKind>> extends ResolvedName {
  readonly stage: Stage
  /** Of the nearest package.json; 0.0.0 when there is none or it has no version. */
  readonly version: string
}

export interface StageLoader {
  /**
   * Finds the stage of the kind (of one of the kinds) that `name` in a pipeline file in `folder` means. Runs its module.
   * @throws KpipeError KPIPE_STAGE_MISSING, KPIPE_STAGE_INVALID
   */
  load<Kind extends StageKind>(kind: Kind | readonly Kind[], name: string, folder: string): Promise<FoundStage<StageOfKind<Kind>>>
  /** All stages that `name` means, of whatever kinds. @throws KpipeError KPIPE_STAGE_MISSING, KPIPE_STAGE_INVALID */
  loadAll(name: string, folder: string): Promise<FoundStage[]>
}

export interface StageLoaderOptions extends ResolveOptions {
  /** Names of kpipe's own stages, to guess from when one is misspelt. */
  readonly names?: readonly string[]
}

/** Finds stages by the names of a pipeline file. Nothing is scanned and nothing is fetched. */
export function stageLoader(options: StageLoaderOptions): StageLoader {
  const loadAll = async (name: string, folder: string): Promise<FoundStage[]> => {
    const resolved = resolveName(name, folder, options)
    if ('tried' in resolved) {
      const near = nearest(name, options.names ?? [])
      const message = `there is no stage ${name}: looked for ${resolved.tried.join(' and ')}`
      throw new KpipeError('KPIPE_STAGE_MISSING', near === undefined ? message : `${message}; nearest: ${near}`, { stage: name })
    }
    const manifest = manifestOf(resolved.url)
    const version = typeof manifest.version === 'string' ? manifest.version : '0.0.0'
    const misfit = await engineFault(manifest)
    if (misfit !== undefined) throw invalid(name, `${version} ${misfit}`)
    const stages = await importStages(resolved, name)
    return stages.map((stage) => ({ ...resolved, version, stage: resolved.firstParty ? stage : blamedStage(stage, resolved.package) }))
  }
  return {
    loadAll,
    async load<Kind extends StageKind>(kind: Kind | readonly Kind[], name: string, folder: string) {
      const found = await loadAll(name, folder)
      return pick(found, [kind].flat() as StageKind[], name) as FoundStage<StageOfKind<Kind>>
    },
  }
}

/** A module that waits for something while it is loaded, and never gets it, would keep everything waiting. */
const loadTimeoutMs = 15_000

async function importStages({ url }: ResolvedName, name: string): Promise<StageBase<StageKind>[]> {
  const module = await withinLimit(importModule(url), loadTimeoutMs).catch((cause: unknown) => {
    throw invalid(name, `cannot be loaded: ${reasonOf(cause)}`, cause)
  })
  const stages = [module.default].flat()
  if (module.default === undefined || stages.length === 0) throw invalid(name, 'has no default export that holds a stage')
  for (const stage of stages) {
    if (!isStage(stage)) throw invalid(name, `is no stage: its default export ${stageFault(stage)}`)
  }
  return stages as StageBase<StageKind>[]
}

async function withinLimit<Result>(work: Promise<Result>, limitMs: number): Promise<Result> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_resolve, fail) => {
    timer = setTimeout(() => fail(new Error(`it was not done within ${limitMs / 1000} s`)), limitMs)
  })
  return Promise.race([work, limit]).finally(() => clearTimeout(timer))
}

/** One line; what an error of syntax says does not tell the kind of the mistake. */
function reasonOf(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause)
  const line = text.split('\n', 1)[0]!
  return cause instanceof SyntaxError ? `${cause.name}: ${line}` : line
}

function pick(found: readonly FoundStage[], kinds: readonly StageKind[], name: string): FoundStage {
  const fitting = found.filter(({ stage }) => kinds.includes(stage.kind))
  if (fitting.length === 1) return fitting[0]
  const there = found.map(({ stage }) => stage.kind).join(', ')
  throw invalid(name, `holds ${fitting.length === 0 ? 'no' : 'more than one'} ${kinds.join(' or ')} stage; it holds: ${there}`)
}

/** The nearest package.json; empty when there is none. */
function manifestOf(url: string): StageManifest {
  const file = findPackageJSON(url)
  // Where there is no package.json, Node answers with the module itself.
  if (file === undefined || basename(file) !== 'package.json') return {}
  return JSON.parse(readFileSync(file, 'utf8')) as StageManifest
}

function invalid(name: string, seen: string, cause?: unknown): KpipeError {
  return new KpipeError('KPIPE_STAGE_INVALID', `stage ${name} ${seen}`, { stage: name }, { cause })
}
