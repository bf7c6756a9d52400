import { VarintReader } from '../varint.ts'
import type { Draft } from './draft.ts'
import { addPacks, areNew } from './new-packs.ts'
import { decodePackNumbers } from './pack-numbers.ts'
import type { Compact, Condemn, Sweep } from './payload.ts'
import { placesChanged } from './places-changed.ts'

/** Void as a whole when a snapshot that is not forgotten uses one of the packs, or one is not there. */
export function applyCondemn(draft: Draft, n: number, payload: Condemn): void {
  const packs = decodePackNumbers(payload.packs)
  const used = usedPacks(draft)
  if (packs.some((number) => used.has(number) || !draft.packs.has(number))) return
  for (const number of packs) if (!draft.condemned.has(number)) draft.condemned.set(number, n)
}

/** Void as a whole when a pack is not condemned (any more), or another writer that is still open began before its CONDEMN. */
export function applySweep(draft: Draft, payload: Sweep): void {
  const packs = decodePackNumbers(payload.packs)
  const sweeper = hex(payload.writer)
  let oldest = Infinity
  for (const [id, { entry }] of draft.writers) if (id !== sweeper) oldest = Math.min(oldest, entry)
  const mayGo = (number: number): boolean => oldest > (draft.condemned.get(number) ?? Infinity)
  if (!packs.every((number) => draft.condemned.has(number) && mayGo(number))) return
  for (const number of packs) {
    draft.packsById.delete(draft.packs.get(number)!.id)
    draft.packs.delete(number)
    draft.condemned.delete(number)
    draft.checked.delete(number)
    draft.damaged.delete(number)
  }
  const swept = new Set(packs)
  dropFrom(draft.replaced, swept)
  dropFrom(draft.healed, swept)
}

/**
 * Void without an open writer, when an old pack is not there or a new one is, when `up_to` is not below the entry, and when chunks went
 * elsewhere since. The snapshots that were examined use the new packs instead of the old ones; an old one that a later snapshot uses
 * stays with it.
 */
export function applyCompact(draft: Draft, n: number, payload: Compact): void {
  const old = decodePackNumbers(payload.old)
  const id = hex(payload.writer)
  const writer = draft.writers.get(id)
  if (writer === undefined || payload.up_to < writer.floor || payload.up_to >= n) return
  if (!old.every((number) => draft.packs.has(number))) return
  // The same packs under other numbers: these would be swept as unused, and their objects with them.
  if (!areNew(draft, payload)) return
  const added = addPacks(draft, n, payload)
  const column = new VarintReader(payload.into)
  const into = new Map(old.map((number) => [number, added[column.next()]]))
  for (const record of draft.snapshots.values()) {
    if (record.entry > payload.up_to || !record.packs.some((number) => into.has(number))) continue
    const packs = new Set(record.packs.map((number) => into.get(number) ?? number))
    draft.snapshots.set(record.id, { ...record, packs: [...packs].toSorted((one, other) => one - other) })
  }
  follow(draft.replaced, into)
  follow(draft.healed, into)
  for (const number of old) {
    const { id } = draft.packs.get(number)!
    draft.replaced.set(id, [...new Set([...(draft.replaced.get(id) ?? []), into.get(number)!])])
  }
  // Its next one may go on from the same examination, or from a later one.
  draft.writers.set(id, { ...writer, floor: payload.up_to })
  placesChanged(draft, n, id)
  const used = usedPacks(draft)
  for (const number of [...old, ...added]) if (!used.has(number) && !draft.condemned.has(number)) draft.condemned.set(number, n)
}

/** Whoever was led to an old pack is led to the new one as well: which of them a snapshot uses, its own packs say. */
function follow(lists: Map<string, readonly number[]>, into: ReadonlyMap<number, number>): void {
  for (const [key, list] of lists) {
    const further = list.map((number) => into.get(number)).filter((number) => number !== undefined)
    if (further.length > 0) lists.set(key, [...new Set([...list, ...further])])
  }
}

function dropFrom(lists: Map<string, readonly number[]>, swept: ReadonlySet<number>): void {
  for (const [key, list] of lists) {
    if (!list.some((number) => swept.has(number))) continue
    const left = list.filter((number) => !swept.has(number))
    if (left.length === 0) lists.delete(key)
    else lists.set(key, left)
  }
}

function usedPacks({ snapshots }: Draft): Set<number> {
  const used = new Set<number>()
  for (const { packs } of snapshots.values()) for (const number of packs) used.add(number)
  return used
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
