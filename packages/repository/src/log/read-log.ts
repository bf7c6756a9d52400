import { KpipeError } from '@kpipe/engine/contracts'
import type { Store } from '@kpipe/engine/contracts'
import { maxEntryBytes, maxMissingEntries } from '../bounds.ts'
import type { KeyRing } from '../keys/key-ring.ts'
import { mapLimit } from '../map-limit.ts'
import { readBounded } from '../read-bounded.ts'
import { entryEpoch, entryName, logPrefix, openEntry } from './entry.ts'
import type { Entry, LostEntry } from './entry.ts'

const readsAtOnce = 16
/** In memory, until they are folded. */
const entriesAtOnce = 4096

/**
 * Number of the newest entry above `known` that the store lists, or `known`.
 * @throws KpipeError KPIPE_DAMAGED when so many are missing below it that it is none: nobody is to look for them all
 */
export async function listedHead(store: Store, known: number): Promise<number> {
  let head = known
  for await (const { name } of store.list(logPrefix, known < 0 ? undefined : entryName(known))) {
    const digits = name.slice(logPrefix.length)
    if (!/^\d{20}$/.test(digits)) continue
    const missing = Number(digits) - head - 1
    if (missing > maxMissingEntries) {
      const text = `${name} at ${store.location} is no entry of the log: ${missing} are missing between ${head} and it`
      throw new KpipeError('KPIPE_DAMAGED', text, { object: name })
    }
    head = Math.max(head, Number(digits))
  }
  return head
}

/** All entries after `known`, see `readLogInBatches`. */
export async function readLog(...[store, ring, known, learn]: Parameters<typeof readLogInBatches>): Promise<(Entry | LostEntry)[]> {
  const entries: (Entry | LostEntry)[] = []
  for await (const batch of readLogInBatches(store, ring, known, learn)) for (const entry of batch) entries.push(entry)
  return entries
}

/**
 * The entries after `known`, up to the first one that is missing behind the listed ones. Each is checked to follow the one before;
 * one that does not open is handed on as lost.
 * @param learn fills the ring with the keys of an epoch, if they are to be had
 * @throws KpipeError KPIPE_DAMAGED when two whole entries do not follow each other
 */
export async function* readLogInBatches(
  store: Store,
  ring: KeyRing,
  known: { n: number; digest: Uint8Array | undefined },
  learn: (epoch: number) => Promise<void> = async () => undefined,
): AsyncGenerator<(Entry | LostEntry)[]> {
  const learnt = new Map<number, Promise<void>>()
  const learnOnce = (epoch: number): Promise<void> => {
    const first = learnt.get(epoch) ?? learn(epoch)
    learnt.set(epoch, first)
    return first
  }
  let last = known.digest
  const following = (entries: (Entry | LostEntry)[]): (Entry | LostEntry)[] => {
    last = demandChain(store, last, entries)
    return entries
  }
  const listed = await listedHead(store, known.n)
  for (let first = known.n + 1; first <= listed; first += entriesAtOnce) {
    const numbers = Array.from({ length: Math.min(entriesAtOnce, listed + 1 - first) }, (_, index) => first + index)
    yield following(await mapLimit(numbers, readsAtOnce, async (n) => (await readEntry(store, ring, n, learnOnce)) ?? missing(n)))
  }
  // Others may have appended since the list was made.
  for (let n = listed + 1; ; n++) {
    const entry = await readEntry(store, ring, n, learnOnce)
    if (entry === undefined) return
    yield following([entry])
  }
}

/** What the entry after these has to name; undefined after a lost one, whose bytes were others once. */
function demandChain(store: Store, before: Uint8Array | undefined, entries: readonly (Entry | LostEntry)[]): Uint8Array | undefined {
  let previous = before
  for (const entry of entries) {
    const follows = !('payload' in entry) || previous === undefined || Buffer.compare(entry.previous, previous) === 0
    if (!follows) {
      const text = `${entryName(entry.n)} at ${store.location} does not follow the entry before it: one of them is of another history`
      throw new KpipeError('KPIPE_DAMAGED', text, { object: entryName(entry.n) })
    }
    previous = 'payload' in entry ? entry.digest : undefined
  }
  return previous
}

/** Undefined when the store has none. */
export async function readEntry(
  store: Store,
  ring: KeyRing,
  n: number,
  learn: (epoch: number) => Promise<void>,
): Promise<Entry | LostEntry | undefined> {
  const bytes = await readBounded(store, entryName(n), maxEntryBytes)
  if (bytes === undefined) return undefined
  if (bytes === 'too long') return { n, digest: undefined, reason: `it has more than ${maxEntryBytes} bytes` }
  const epoch = entryEpoch(bytes)
  if (epoch !== undefined && !ring.knows(epoch)) await learn(epoch)
  return openEntry(ring, n, bytes)
}

function missing(n: number): LostEntry {
  return { n, digest: undefined, reason: 'it is missing' }
}
