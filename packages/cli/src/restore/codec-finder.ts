import { useStage } from '@kpipe/engine'
import type { LoadedStage, Pipeline, StageLoader } from '@kpipe/engine'
import { KpipeError } from '@kpipe/engine/contracts'
import type { CodecRecord, CodecStage } from '@kpipe/engine/contracts'

/**
 * Finds the codecs that a snapshot names. kpipe's own are loaded because the snapshot says so; any other only when the
 * pipeline file or `--stage` names it here, or a stolen writer's key would run code where someone restores.
 * @param overrides names given with `--stage`
 */
export function codecFinder(
  stages: StageLoader,
  pipeline: Pipeline | undefined,
  overrides: readonly string[] = [],
): (record: CodecRecord) => Promise<LoadedStage<CodecStage>> {
  const found = new Map<string, Promise<LoadedStage<CodecStage>>>()
  return (record) => {
    const key = JSON.stringify([record.stage, record.settings])
    const known = found.get(key) ?? find(stages, pipeline, overrides, record)
    found.set(key, known)
    return known
  }
}

async function find(
  stages: StageLoader,
  pipeline: Pipeline | undefined,
  overrides: readonly string[],
  { stage, version, settings }: CodecRecord,
): Promise<LoadedStage<CodecStage>> {
  const here = process.cwd()
  if (/^@kpipe\/stage-[a-z0-9-]+$/.test(stage) || overrides.includes(stage)) return useStage(stages, 'codec', stage, settings, here)
  const named = pipeline?.codecs.some((codec) => codec.package === stage)
  // The settings are the snapshot's: the pipeline file may have changed since.
  if (pipeline !== undefined && named) return useStage(stages, 'codec', stage, settings, pipeline.folder)
  throw new KpipeError('KPIPE_STAGE_MISSING', `the snapshot was made with ${stage} ${version}, which the pipeline file does not name`, {
    stage,
    version,
  })
}
