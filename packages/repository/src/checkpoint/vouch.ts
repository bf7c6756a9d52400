import type { Store } from '@kpipe/engine/contracts'
import { keysInUse } from '../head-memory.ts'
import type { RememberedHead } from '../head-memory.ts'
import type { KeyRing } from '../keys/key-ring.ts'
import type { OpenedSlots } from '../keys/open-slots.ts'
import type { Entry } from '../log/entry.ts'
import type { SlotRecord } from '../log/payload.ts'
import { readEntry } from '../log/read-log.ts'
import type { LogState } from '../log/state.ts'
import { encode } from '../msgpack.ts'

// A checkpoint is as good as who sealed it. One under the keys in use is by somebody who might have appended to the log as well. These
// rules say that its keys were in use, where a reader from entry 0 would have seen it: neither a store, which can make slots and with
// them keys of its own, nor a thief of keys that were replaced may bring in a state. FORMAT.md, chapter Checkpoints.

export interface VouchContext {
  readonly store: Store
  /** With the keys that the checkpoint and the entries were opened with. */
  readonly ring: KeyRing
  readonly slots: OpenedSlots
  /** Of the checkpoint. */
  readonly state: LogState
  /** Whole entries in a row, from the oldest of the checkpoint's and the heads to the newest of them. */
  readonly chain: readonly Entry[]
  /** What this host remembers and what the caller expects; they were found in the chain. */
  readonly heads: readonly RememberedHead[]
}

/** Whether the keys of the checkpoint's epoch were in use after its entry. @throws KpipeError KPIPE_DAMAGED when a slot is not the one that is listed */
export async function vouchForKeys(context: VouchContext): Promise<boolean> {
  const { chain, heads } = context
  const entryAt = (n: number): Entry => chain[n - chain[0].n]
  if (!heads.every((head) => leadsThere(context, head, head.keys?.epoch ?? epochAfter(entryAt(head.n))))) return false
  return heads.some(({ keys }) => keys !== undefined) || isBegunByLog(context)
}

/** Whether the epoch at that head, and the KEY entries between it and the checkpoint, make the checkpoint's. */
function leadsThere({ ring, slots, state, chain }: VouchContext, head: RememberedHead, known: number): boolean {
  if (head.keys !== undefined && !(ring.knows(known) && keysInUse(ring, known).print === head.keys.print)) return false
  let epoch = known
  let listed: readonly SlotRecord[] | undefined
  for (const { n, epoch: sealedUnder, payload } of chain) {
    if (n <= head.n || n > state.head.n || sealedUnder !== epoch || payload.kind !== 'KEY' || payload.epoch < epoch) continue
    slots.demandListed(payload.slots, ring)
    epoch = payload.epoch
    listed = payload.slots
  }
  return epoch === state.epoch && (listed === undefined || encode(listed).equals(encode(state.slots)))
}

/**
 * For who knows no head: from GENESIS on each epoch was begun by a KEY entry under the one before, that lists a slot of the secret,
 * and the secret has a slot of no other.
 */
async function isBegunByLog({ store, ring, slots, state }: VouchContext): Promise<boolean> {
  if (!slots.bundles.every(({ epoch }) => state.epochs.has(epoch))) return false
  const [[first, genesis], ...later] = state.epochs
  if (genesis !== 0 || !ring.knows(first)) return false
  let [before, last] = [first, genesis]
  for (const [epoch, n] of later) {
    if (epoch <= before || n <= last || n > state.head.n) return false
    const entry = await readEntry(store, ring, n, async () => undefined)
    if (entry === undefined || !('payload' in entry) || entry.epoch !== before) return false
    if (entry.payload.kind !== 'KEY' || entry.payload.epoch !== epoch) return false
    if (!entry.payload.slots.some((slot) => slot.epoch === epoch && slots.opened(Buffer.from(slot.id).toString('hex')))) return false
    slots.demandListed(entry.payload.slots, ring)
    ;[before, last] = [epoch, n]
  }
  return true
}

/** A KEY entry is sealed under the epoch that it ends. */
function epochAfter({ epoch, payload }: Entry): number {
  return payload.kind === 'KEY' ? Math.max(epoch, payload.epoch) : epoch
}
