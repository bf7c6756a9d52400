import type { Store } from '@kpipe/engine/contracts'
import type { KeyRing } from '../keys/key-ring.ts'
import { entryName, openEntry } from '../log/entry.ts'

/**
 * When entries were written, by the clocks of their writers. One that cannot be read was written at any time: nothing safe
 * rests on it.
 */
export async function entryTimes(store: Store, ring: KeyRing, numbers: Iterable<number>): Promise<Map<number, number>> {
  const times = new Map<number, number>()
  for (const n of new Set(numbers)) {
    const bytes = await store.read(entryName(n))
    const entry = bytes && openEntry(ring, n, bytes)
    times.set(n, entry !== undefined && 'payload' in entry ? entry.payload.time : -Infinity)
  }
  return times
}

/** Whether so long has gone by since; a clock that is wrong by more than that, either way, does not make anybody wait. */
export function isPast(time: number, delayMs: number): boolean {
  return Math.abs(Date.now() - time) >= delayMs
}
