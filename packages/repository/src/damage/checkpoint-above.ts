import { KpipeError } from '@kpipe/engine/contracts'
import type { Store } from '@kpipe/engine/contracts'
import { checkpointEpoch, checkpointName, maxCheckpointBytes, openCheckpoint } from '../checkpoint/checkpoint.ts'
import { listCheckpoints } from '../checkpoint/list-checkpoints.ts'
import type { KeyRing } from '../keys/key-ring.ts'
import { entryName } from '../log/entry.ts'
import { readGenesis } from '../log/log.ts'
import { readBounded } from '../read-bounded.ts'

/**
 * A checkpoint above a lost entry knows what it said. Whoever can trust that one repairs without loss; who cannot must not say that
 * the entry had no effect.
 * @throws KpipeError KPIPE_DAMAGED
 */
export async function demandNoCheckpointAbove(store: Store, ring: KeyRing, n: number): Promise<void> {
  const genesis = await readGenesis(store, ring)
  for (const above of (await listCheckpoints(store)).filter((number) => number > n)) {
    const bytes = await readBounded(store, checkpointName(above), maxCheckpointBytes)
    if (!(bytes instanceof Uint8Array) || !ring.knows(checkpointEpoch(bytes) ?? 0)) continue
    if ((await openCheckpoint(ring, above, bytes, genesis)) === undefined) continue
    const text = `${checkpointName(above)} at ${store.location} knows what ${entryName(n)} said, but what this host remembers does not vouch for it`
    throw new KpipeError('KPIPE_DAMAGED', text, { object: entryName(n), checkpoint: checkpointName(above) })
  }
}
