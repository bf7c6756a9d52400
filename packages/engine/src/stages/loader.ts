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
import { nearest } from './nearest.ts'
import type { ResolvedName, ResolveOptions } from './resolve-name.ts'
import { resolveName } from './resolve-name.ts'
import { isStage, stageFault } from './stage-shape.ts'

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
}

export interface StageLoaderOptions extends ResolveOptions {
  /** Names of kpipe's own stages, to guess from when one is misspelt. */
  readonly names?: readonly string[]
}

/** Finds stages by the names of a pipeline file. Nothing is scanned and nothing is fetched. */
export function stageLoader(options: StageLoaderOptions): StageLoader {
  return {
    async load<Kind extends StageKind>(kind: Kind | readonly Kind[], name: string, folder: string) {
      const resolved = resolveName(name, folder, options)
      if ('tried' in resolved) {
        const near = nearest(name, options.names ?? [])
        const message = `there is no stage ${name}: looked for ${resolved.tried.join(' and ')}`
        throw new KpipeError('KPIPE_STAGE_MISSING', near === undefined ? message : `${message}; nearest: ${near}`, { stage: name })
      }
      const stage = pick(await importStages(resolved, name), [kind].flat() as StageKind[], name) as StageOfKind<Kind>
      return { ...resolved, stage, version: versionOf(resolved.url) }
    },
  }
}

async function importStages({ url }: ResolvedName, name: string): Promise<StageBase<StageKind>[]> {
  const module = (await import(url).catch((cause: unknown) => {
    throw invalid(name, `cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}`, cause)
  })) as { default?: unknown }
  const stages = [module.default].flat()
  if (module.default === undefined || stages.length === 0) throw invalid(name, 'has no default export that holds a stage')
  for (const stage of stages) {
    if (!isStage(stage)) throw invalid(name, `is no stage: its default export ${stageFault(stage)}`)
  }
  return stages as StageBase<StageKind>[]
}

function pick(stages: readonly StageBase<StageKind>[], kinds: readonly StageKind[], name: string): StageBase<StageKind> {
  const fitting = stages.filter((stage) => kinds.includes(stage.kind))
  if (fitting.length === 1) return fitting[0]
  const there = stages.map((stage) => stage.kind).join(', ')
  throw invalid(name, `holds ${fitting.length === 0 ? 'no' : 'more than one'} ${kinds.join(' or ')} stage; it holds: ${there}`)
}

function versionOf(url: string): string {
  const manifest = findPackageJSON(url)
  // Where there is no package.json, Node answers with the module itself.
  if (manifest === undefined || basename(manifest) !== 'package.json') return '0.0.0'
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version?: unknown }
  return typeof version === 'string' ? version : '0.0.0'
}

function invalid(name: string, seen: string, cause?: unknown): KpipeError {
  return new KpipeError('KPIPE_STAGE_INVALID', `stage ${name} ${seen}`, { stage: name }, { cause })
}
