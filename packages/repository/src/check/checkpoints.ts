import type { Store } from '@kpipe/engine/contracts'
import { checkpointContent, checkpointName, maxCheckpointBytes, openCheckpoint } from '../checkpoint/checkpoint.ts'
import { listCheckpoints } from '../checkpoint/list-checkpoints.ts'
import type { KeyRing } from '../keys/key-ring.ts'
import type { Entry, LostEntry } from '../log/entry.ts'
import { beginState, fold } from '../log/fold.ts'
import type { Genesis } from '../log/payload.ts'
import { readBounded } from '../read-bounded.ts'
import type { DamageList } from './damage.ts'

/** Those that writers leave; more are nobody's. */
const maxCompared = 4

/** Compares the newest checkpoints with what the log says up to their entries, as far as it is whole. */
export async function checkCheckpoints(
  store: Store,
  ring: KeyRing,
  genesis: Entry & { readonly payload: Genesis },
  entries: readonly (Entry | LostEntry)[],
  damages: DamageList,
): Promise<void> {
  const numbers = (await listCheckpoints(store)).filter((n) => n >= 1 && n <= entries.length).slice(0, maxCompared)
  let state = beginState(genesis)
  for (const n of numbers.toReversed()) {
    state = fold(state, entries.slice(state.head.n, n))
    if (state.lost.size > 0) return
    const bytes = await readBounded(store, checkpointName(n), maxCheckpointBytes)
    // Others may have removed it since it was listed.
    if (bytes === undefined) continue
    const found = bytes === 'too long' ? undefined : await openCheckpoint(ring, n, bytes, genesis)
    if (found === undefined) damages.add(checkpointName(n), 'it does not open', [])
    else if (Buffer.compare(found.head.digest, state.head.digest) !== 0 || !isSame(genesis, found, state))
      damages.add(checkpointName(n), 'it is not what the log says', [])
  }
}

function isSame({ digest }: Entry, ...states: Parameters<typeof checkpointContent>[1][]): boolean {
  const [one, other] = states.map((state) => checkpointContent(digest, state))
  return one.equals(other)
}
