import type { Repository } from '../src/index.ts'
import type { Promised } from './history.ts'

/** A collection, as soon as repositories have one. */
export async function collect(repository: Repository, promised: Promised): Promise<void> {
  await repository.refresh()
  promised.collections.count += 1
}
