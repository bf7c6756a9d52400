import { createHash } from 'node:crypto'
import type { Store } from '@kpipe/engine/contracts'
import type { KeyRing } from '../keys/key-ring.ts'
import { maxSlotBytes, slotName } from '../keys/slot.ts'
import { entryName } from '../log/entry.ts'
import { beginState, fold } from '../log/fold.ts'
import { readGenesis } from '../log/log.ts'
import { readLogInBatches } from '../log/read-log.ts'
import type { LogState } from '../log/state.ts'
import { mapLimit } from '../map-limit.ts'
import { markerName } from '../marker.ts'
import { compareCheckpoint, newestCheckpoints } from './checkpoints.ts'
import type { DamageList } from './damage.ts'

/**
 * Reads the log from entry 0, every link of its chain, and holds the newest checkpoints against it; undefined when two entries are of
 * different histories.
 */
export async function checkChain(store: Store, ring: KeyRing, damages: DamageList): Promise<LogState | undefined> {
  const state = await damages.noting(entryName(0), [], async () => {
    const genesis = await readGenesis(store, ring)
    const checkpoints = await newestCheckpoints(store)
    let folded = beginState(genesis)
    for await (const entries of readLogInBatches(store, ring, genesis)) {
      for (const n of checkpoints.filter((number) => number > folded.head.n && number <= entries.at(-1)!.n)) {
        folded = fold(
          folded,
          entries.filter((entry) => entry.n > folded.head.n && entry.n <= n),
        )
        await compareCheckpoint(store, ring, genesis, folded, damages)
      }
      folded = fold(
        folded,
        entries.filter((entry) => entry.n > folded.head.n),
      )
    }
    return folded
  })
  for (const { n, reason } of state?.lost.values() ?? []) damages.add(entryName(n), reason, [])
  return state
}

/** Compares marker and slots with the digests that the log vouches for. Opens none. */
export async function checkSlots(store: Store, { genesis, slots }: LogState, damages: DamageList): Promise<number> {
  const wanted = [
    { name: markerName, digest: genesis.marker },
    ...slots.map(({ id, epoch, digest }) => ({ name: slotName(id, epoch), digest })),
  ]
  await mapLimit(wanted, 8, async ({ name, digest }) => {
    const bytes = await store.read(name, { offset: 0, length: maxSlotBytes + 1 })
    if (bytes === undefined) damages.add(name, 'it is missing', [])
    else if (!createHash('sha256').update(bytes).digest().equals(digest)) damages.add(name, 'its digest is not the one in the log', [])
  })
  return slots.length
}
