import { KpipeError } from '@kpipe/engine/contracts'
import type { Store } from '@kpipe/engine/contracts'
import type { RememberedHead } from '../head-memory.ts'
import { keyRing } from '../keys/key-ring.ts'
import type { KeyRing } from '../keys/key-ring.ts'
import type { OpenedSlots } from '../keys/open-slots.ts'
import type { Entry, LostEntry } from '../log/entry.ts'
import { foldVouched } from '../log/fold-vouched.ts'
import type { LogBegin } from '../log/log.ts'
import type { Genesis } from '../log/payload.ts'
import { readEntry, readLog } from '../log/read-log.ts'
import type { LogState } from '../log/state.ts'
import { readBounded } from '../read-bounded.ts'
import { checkpointEpoch, checkpointName, maxCheckpointBytes, openCheckpoint } from './checkpoint.ts'
import { vouchForKeys } from './vouch.ts'

/** Newest ones that are looked at; each costs reading the log behind it. */
const maxTries = 3

export interface BeginContext {
  readonly store: Store
  /** With the keys of the first epoch; gets those of the others when a checkpoint is taken. */
  readonly ring: KeyRing
  readonly slots: OpenedSlots
  readonly genesis: Entry & { readonly payload: Genesis }
}

/**
 * The log's state at its head, from the newest checkpoint that can be trusted and the entries behind it. Undefined when there is none,
 * or anything at all is not as it should be: the log is then read from entry 0, which tells what it is.
 * @param checkpoints numbers of entries, newest first
 * @param heads entries that the log must hold; the chain is read from the oldest of them on
 */
export async function beginLog(
  context: BeginContext,
  checkpoints: readonly number[],
  heads: readonly RememberedHead[],
): Promise<LogBegin | undefined> {
  for (const n of checkpoints.slice(0, maxTries)) {
    try {
      const begin = await beginAt(context, n, heads)
      if (begin !== undefined) return begin
    } catch (error) {
      // What is wrong with the log, who reads it from entry 0 will say.
      if (!(error instanceof KpipeError) || (error.code !== 'KPIPE_DAMAGED' && error.code !== 'KPIPE_KEY_WRONG')) throw error
    }
  }
  return undefined
}

async function beginAt(context: BeginContext, n: number, heads: readonly RememberedHead[]): Promise<LogBegin | undefined> {
  const { store, slots, genesis } = context
  // A ring of its own: keys that prove to be others than the log's must not stay in use.
  const ring = keyRing(context.ring.repositoryId, [context.ring.bundle(genesis.epoch)!])
  const learn = async (epoch: number): Promise<void> => {
    const bundle = ring.knows(epoch) ? undefined : await slots.learn(epoch)
    if (bundle !== undefined && Buffer.compare(bundle.tagKey, ring.tagKey) === 0) ring.add(bundle)
  }
  const places = [n, ...heads.map((head) => head.n)]
  const first = Math.min(...places)
  const [state, entries] = await Promise.all([readCheckpoint(store, ring, n, genesis, learn), readFrom(store, ring, first, learn)])
  if (state === undefined) return undefined
  const chain = wholeChain(entries, state.head, Math.max(...places))
  if (chain === undefined || !heads.every((head) => isIn(chain, head.n, Buffer.from(head.digest, 'hex')))) return undefined
  for (const epoch of new Set(state.slots.map((slot) => slot.epoch))) await learn(epoch)
  if (!(await vouchForKeys({ store, ring, slots, state, chain, heads }))) return undefined
  const later = entries.filter((entry) => entry.n > n)
  const folded = await foldVouched(state, [later], { ring, slots }, learn)
  for (const epoch of ring.epochs()) if (!context.ring.knows(epoch)) context.ring.add(ring.bundle(epoch)!)
  return { state: folded, digests: new Map(entries.map((entry) => [entry.n, entry.digest ?? new Uint8Array(32)])) }
}

async function readCheckpoint(
  store: Store,
  ring: KeyRing,
  n: number,
  genesis: BeginContext['genesis'],
  learn: (epoch: number) => Promise<void>,
): Promise<LogState | undefined> {
  const bytes = await readBounded(store, checkpointName(n), maxCheckpointBytes)
  const epoch = bytes instanceof Uint8Array ? checkpointEpoch(bytes) : undefined
  if (!(bytes instanceof Uint8Array) || epoch === undefined) return undefined
  await learn(epoch)
  return openCheckpoint(ring, n, bytes, genesis)
}

/** Entry `first` and all after it. */
async function readFrom(
  store: Store,
  ring: KeyRing,
  first: number,
  learn: (epoch: number) => Promise<void>,
): Promise<(Entry | LostEntry)[]> {
  const entry = await readEntry(store, ring, first, learn)
  if (entry !== undefined && 'payload' in entry) return [entry, ...(await readLog(store, ring, entry, learn))]
  return readLog(store, ring, { n: first, digest: undefined }, learn)
}

/**
 * The entries up to the last one that is asked for, when they are whole and the checkpoint's is among them. What the checkpoint's entry
 * said, the checkpoint knows: it may be lost, when it is the first one and the next one names it.
 */
function wholeChain(entries: readonly (Entry | LostEntry)[], head: LogState['head'], last: number): Entry[] | undefined {
  const chain = entries.filter((entry) => 'payload' in entry).filter((entry) => entry.n <= last)
  const [first] = chain
  if (first === undefined || chain.length !== last + 1 - first.n) return undefined
  const follows = first.n === head.n + 1 && Buffer.compare(first.previous, head.digest) === 0
  return follows || isIn(chain, head.n, head.digest) ? chain : undefined
}

function isIn(chain: readonly Entry[], n: number, digest: Uint8Array): boolean {
  const entry = chain[n - chain[0].n] as Entry | undefined
  return entry !== undefined && Buffer.compare(entry.digest, digest) === 0
}
