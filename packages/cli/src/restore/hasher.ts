import { useStage } from '@kpipe/engine'
import type { LoadedStage, StageLoader } from '@kpipe/engine'
import type { HashStage } from '@kpipe/engine/contracts'
import type { Repository } from '@kpipe/repository'

/** The hasher whose algorithm the repository was made with. */
export async function hasherOf(repository: Repository, stages: StageLoader): Promise<LoadedStage<HashStage>> {
  return useStage(stages, 'hash', 'hash', { algorithm: repository.tagAlgorithm }, process.cwd())
}
