import type { KeyRing } from '../keys/key-ring.ts'
import type { OpenedSlots } from '../keys/open-slots.ts'
import type { Entry, LostEntry } from './entry.ts'
import { fold } from './fold.ts'
import type { LogState } from './state.ts'

type Batch = readonly (Entry | LostEntry)[]

/**
 * Folds entries that were read, batch by batch. Keys are held against what the log says of them at the KEY entry that brings them,
 * before entries that are sealed with them can say otherwise.
 * @param learn fills the ring with the keys of an epoch, if they are to be had
 * @throws KpipeError KPIPE_KEY_WRONG, KPIPE_DAMAGED when the log does not vouch for the keys in use
 */
export async function foldVouched(
  begin: LogState,
  batches: AsyncIterable<Batch> | Iterable<Batch>,
  { ring, slots }: { readonly ring: KeyRing; readonly slots: OpenedSlots | undefined },
  learn: (epoch: number) => Promise<void>,
): Promise<LogState> {
  let state = begin
  for await (const entries of batches) {
    for (const part of keysParts(entries)) {
      state = fold(state, part)
      await learn(state.epoch)
      slots?.demandListed(state.slots, ring)
    }
  }
  slots?.verify(state, ring)
  return state
}

/** The entries in pieces, each but the last ending with a KEY entry. */
function keysParts(entries: Batch): Batch[] {
  const parts: Batch[] = []
  let first = 0
  for (const [at, entry] of entries.entries()) {
    if (!('payload' in entry) || entry.payload.kind !== 'KEY') continue
    parts.push(entries.slice(first, at + 1))
    first = at + 1
  }
  return first === entries.length ? parts : [...parts, entries.slice(first)]
}
