import type { StageBase, StageKind } from '../contracts/index.ts'
import { KpipeError } from '../contracts/index.ts'
import type { StageLoader, StageOfKind } from './loader.ts'
import { readSettings } from './settings.ts'

/** A stage with its settings, and how to find it again. All but `stage` is plain data. */
export interface LoadedStage<Stage = StageBase<StageKind>> {
  readonly stage: Stage
  /** Name that a snapshot records: a package such as `@kpipe/stage-seal`, or a path as the pipeline file has it. */
  readonly package: string
  readonly version: string
  /** A `file:` URL, imported again in workers. */
  readonly url: string
  /** Validated, defaults filled in, paths absolute. */
  readonly settings: Record<string, unknown>
  /** Found beside kpipe itself, under its own scope. */
  readonly firstParty: boolean
}

/**
 * Loads one stage without a pipeline file. Relative paths in `settings` are relative to `folder`.
 * @throws KpipeError KPIPE_STAGE_MISSING; KPIPE_STAGE_INVALID, also when the settings do not fit, telling all that is wrong
 */
export async function useStage<Kind extends StageKind>(
  loader: StageLoader,
  kind: Kind,
  name: string,
  settings: unknown,
  folder: string,
): Promise<LoadedStage<StageOfKind<Kind>>> {
  const found = await loader.load(kind, name, folder)
  const read = await readSettings(found.stage.settings, settings, folder)
  if (read.problems.length > 0) {
    const messages = read.problems.map((problem) => problem.message)
    throw new KpipeError('KPIPE_STAGE_INVALID', `settings of stage ${name}: ${messages.join('; ')}`, { stage: name, problems: messages })
  }
  return { ...found, settings: read.settings }
}
