import type { Store } from '@kpipe/engine/contracts'

/** Object that init writes last; see FORMAT.md of the repository. */
const markerName = 'repository'

/** Asked before keys are read or made, so that a missing repository is told as that and an existing one is left alone. */
export async function hasRepository(store: Store): Promise<boolean> {
  return (await store.read(markerName, { offset: 0, length: 1 })) !== undefined
}
