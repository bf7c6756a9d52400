import type { LoadedStage } from '../stages/index.ts'
import type { StageReference } from './messages.ts'

/** What a worker needs to find a stage again. */
export function stageReference({ package: name, url, settings }: LoadedStage<unknown>): StageReference {
  return { package: name, url, settings }
}
