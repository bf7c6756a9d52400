import type { Store } from '@kpipe/engine/contracts'
import { damagedObject } from '../damage/losses.ts'
import { hexTag, placedRecipes } from '../damage/placed-recipes.ts'
import type { KeyRing } from '../keys/key-ring.ts'
import type { LogState } from '../log/state.ts'
import type { Snapshot } from '../snapshot.ts'
import type { Findings } from './findings.ts'

/** Of packs in which nothing can be read: all chunks that live snapshots name in them are lost. */
export async function addLostChunks(
  store: Store,
  ring: KeyRing,
  state: LogState,
  snapshots: readonly Snapshot[],
  findings: Findings,
  signal: AbortSignal | undefined,
): Promise<void> {
  const gone = new Set([...findings.all().values()].filter((finding) => finding.gone).map(({ pack }) => pack.number))
  if (gone.size === 0) return
  for (const snapshot of snapshots) {
    signal?.throwIfAborted()
    if (!state.snapshots.get(snapshot.id)?.packs.some((number) => gone.has(number))) continue
    try {
      for await (const { tags, groups } of placedRecipes(store, ring, state, snapshot)) {
        for (const { packs, chunks } of groups) {
          // Where one of several packs is left it may hold the chunk: then nobody looks into the others.
          for (const pack of packs) if (gone.has(pack.number)) for (const chunk of chunks) findings.addTag(pack, hexTag(tags, chunk))
        }
      }
    } catch (error) {
      if (damagedObject(error) === undefined) throw error
    }
  }
}
