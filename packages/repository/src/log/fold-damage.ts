import type { Draft } from './draft.ts'
import { decodePackNumbers } from './pack-numbers.ts'
import type { Checked, Damaged, Heal } from './payload.ts'
import { placesChanged } from './places-changed.ts'
import { decodeTagsByPack } from './tags-by-pack.ts'

/** A pack that was found whole is damaged no more. One may have been swept since it was read. */
export function applyChecked(draft: Draft, n: number, payload: Checked): void {
  for (const number of decodePackNumbers(payload.packs)) {
    if (!draft.packs.has(number)) continue
    draft.checked.set(number, n)
    if (draft.damaged.delete(number)) placesChanged(draft, n)
  }
}

/** Adds to what is known of a pack. One may have been swept since it was read. */
export function applyDamaged(draft: Draft, n: number, payload: Damaged): void {
  for (const [number, tags] of decodeTagsByPack(payload)) {
    if (!draft.packs.has(number)) continue
    draft.damaged.set(number, { entry: n, tags: new Set([...(draft.damaged.get(number)?.tags ?? []), ...tags]) })
    placesChanged(draft, n)
  }
}

/** Void as a whole when a pack is not there. All snapshots that use a damaged pack use the packs that heal as well, which are not condemned any more. */
export function applyHeal(draft: Draft, n: number, payload: Heal): void {
  const places = decodeTagsByPack(payload)
  if (![...places.keys()].every((number) => draft.packs.has(number))) return
  for (const [number, tags] of places) {
    for (const tag of tags) draft.healed.set(tag, [...new Set([...(draft.healed.get(tag) ?? []), number])])
  }
  for (const record of draft.snapshots.values()) {
    const healing = healingPacks(draft, record.packs)
    if (healing.every((number) => record.packs.includes(number))) continue
    const packs = [...new Set([...record.packs, ...healing])].toSorted((one, other) => one - other)
    draft.snapshots.set(record.id, { ...record, packs })
  }
  for (const { packs } of draft.snapshots.values()) for (const number of packs) draft.condemned.delete(number)
  placesChanged(draft, n)
}

/** Packs in which chunks are to be had that are lost in some of these. */
export function healingPacks({ damaged, healed }: Draft, packs: readonly number[]): number[] {
  if (healed.size === 0) return []
  const healing = new Set<number>()
  for (const number of packs) {
    for (const tag of damaged.get(number)?.tags ?? []) for (const place of healed.get(tag) ?? []) healing.add(place)
  }
  return [...healing]
}
