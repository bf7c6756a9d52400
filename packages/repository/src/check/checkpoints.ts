import type { Store } from '@kpipe/engine/contracts'
import { checkpointContent, checkpointName, maxCheckpointBytes, openCheckpoint } from '../checkpoint/checkpoint.ts'
import { listCheckpoints } from '../checkpoint/list-checkpoints.ts'
import type { KeyRing } from '../keys/key-ring.ts'
import type { Entry } from '../log/entry.ts'
import type { Genesis } from '../log/payload.ts'
import type { LogState } from '../log/state.ts'
import { readBounded } from '../read-bounded.ts'
import type { DamageList } from './damage.ts'

/** Those that writers leave; more are nobody's. */
const maxCompared = 4

/** Numbers of their entries, ascending. */
export async function newestCheckpoints(store: Store): Promise<number[]> {
  return (await listCheckpoints(store)).slice(0, maxCompared).toReversed()
}

/** Compares the checkpoint of the state's head with the state, as far as the log is whole up to there. */
export async function compareCheckpoint(
  store: Store,
  ring: KeyRing,
  genesis: Entry & { readonly payload: Genesis },
  state: LogState,
  damages: DamageList,
): Promise<void> {
  if (state.lost.size > 0) return
  const { n, digest } = state.head
  const bytes = await readBounded(store, checkpointName(n), maxCheckpointBytes)
  // Others may have removed it since it was listed.
  if (bytes === undefined) return
  const found = bytes === 'too long' ? undefined : await openCheckpoint(ring, n, bytes, genesis)
  if (found === undefined) damages.add(checkpointName(n), 'it does not open', [])
  else if (Buffer.compare(found.head.digest, digest) !== 0 || !isSame(genesis, found, state))
    damages.add(checkpointName(n), 'it is not what the log says', [])
}

function isSame({ digest }: Entry, ...states: LogState[]): boolean {
  const [one, other] = states.map((state) => checkpointContent(digest, state))
  return one.equals(other)
}
