import type { Draft } from './draft.ts'

/**
 * Chunks of snapshots are to be had elsewhere since entry n. Whoever examined the snapshots before may hold a copy for spare that is
 * now the only one, so he has to look again.
 * @param but the collector that did it, whose plan takes it into account
 */
export function placesChanged(draft: Draft, n: number, but?: string): void {
  for (const [id, writer] of draft.writers) if (id !== but) draft.writers.set(id, { ...writer, floor: n })
}
