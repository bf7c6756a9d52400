import type { Entry, LostEntry } from '../log/entry.ts'
import { decodePackNumbers } from '../log/pack-numbers.ts'

const placesPerEntry = 65_536

/** Lost entries that must have been the OPEN of a writer: every writer that ends or collects has one, and these have none below. */
export function lostOpens(entries: readonly (Entry | LostEntry)[]): Map<number, Uint8Array> {
  const opens = new Map<number, Uint8Array>()
  const opened = new Set<string>()
  const lost: number[] = []
  for (const entry of entries) {
    if (!('payload' in entry)) {
      lost.push(entry.n)
      continue
    }
    const { payload } = entry
    if (!('writer' in payload)) continue
    const writer = Buffer.from(payload.writer).toString('hex')
    if (payload.kind !== 'OPEN' && !opened.has(writer)) {
      const n = lost.pop()
      if (n !== undefined) opens.set(n, payload.writer)
    }
    opened.add(writer)
  }
  return opens
}

/** By number of a lost entry: so many packs, at the least, must it have brought, for later entries use them. */
export function packsNeeded(entries: readonly (Entry | LostEntry)[]): Map<number, number> {
  const lost = new Set(entries.filter((entry) => !('payload' in entry)).map(({ n }) => n))
  const needed = new Map<number, number>()
  for (const entry of entries) {
    if (!('payload' in entry) || entry.payload.kind !== 'SNAPSHOT') continue
    for (const number of decodePackNumbers(entry.payload.uses)) {
      const n = Math.floor(number / placesPerEntry)
      if (lost.has(n)) needed.set(n, Math.max(needed.get(n) ?? 0, (number % placesPerEntry) + 1))
    }
  }
  return needed
}
