import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { KpipeError } from '@kpipe/engine/contracts'
import type { StageLoader } from '@kpipe/engine'
import { repositoryFlags } from '../flags.ts'
import { findPipelineFile } from '../where/pipeline-file.ts'
import type { Environment } from '../where/pipeline-file.ts'
import { openStages, parseOverrides } from '../where/stages.ts'

export const placeFlags = { config: repositoryFlags.config, stage: repositoryFlags.stage }

/** Where stages are looked for: beside the pipeline file, or here when there is none. */
export interface StagesPlace {
  readonly folder: string
  /** Names given with `--stage`, and those under `use` in the pipeline file; none of these when it is no YAML. */
  readonly uses: readonly string[]
  readonly loader: StageLoader
}

interface PlaceFlags {
  readonly config?: string | undefined
  readonly stage?: string[] | undefined
}

/** @throws KpipeError KPIPE_PIPELINE_MISSING when a file is named and is not there */
export async function stagesPlace({ config, stage }: PlaceFlags, env: Environment): Promise<StagesPlace> {
  const overrides = parseOverrides(stage)
  const loader = openStages(overrides)
  const file = pipelineFile(config, env)
  if (file === undefined) return { folder: process.cwd(), uses: [...overrides.keys()], loader }
  const { parseDocument } = await import('yaml')
  const document = parseDocument(readFileSync(file, 'utf8'), { logLevel: 'silent' })
  const named = document.errors.length > 0 ? [] : usesIn(document.toJS())
  return { folder: dirname(file), uses: [...overrides.keys(), ...named], loader }
}

function pipelineFile(config: string | undefined, env: Environment): string | undefined {
  try {
    return findPipelineFile(config, env)
  } catch (error) {
    const named = config ?? env['KPIPE_CONFIG']
    if (named === undefined && error instanceof KpipeError && error.code === 'KPIPE_PIPELINE_MISSING') return undefined
    throw error
  }
}

/** Whatever shape the file has: to look at what is installed it need not be right. */
function usesIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(usesIn)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, inside]) => (name === 'use' && typeof inside === 'string' ? [inside] : usesIn(inside)))
}
