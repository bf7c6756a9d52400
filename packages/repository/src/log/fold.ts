import { createHash } from 'node:crypto'
import { joinRequirements, noRequirements } from '../features.ts'
import type { Draft } from './draft.ts'
import type { Entry, LostEntry } from './entry.ts'
import { applyCompact, applyCondemn, applySweep } from './fold-collection.ts'
import { applyChecked, applyDamaged, applyHeal, healingPacks } from './fold-damage.ts'
import { applyVoid } from './fold-void.ts'
import { addPacks, areNew, packId } from './new-packs.ts'
import { decodePackNumbers } from './pack-numbers.ts'
import type { Drilled, Genesis, Key, SnapshotEntry } from './payload.ts'
import type { LogState } from './state.ts'

/** The state before any entry but GENESIS. */
export function beginState(entry: Entry & { readonly payload: Genesis }): LogState {
  const genesis = entry.payload
  return {
    head: { n: entry.n, digest: entry.digest },
    epoch: entry.epoch,
    epochs: new Map([[entry.epoch, entry.n]]),
    genesis,
    slots: genesis.slots,
    slotTimes: slotTimes(genesis, new Map()),
    requires: joinRequirements(noRequirements, genesis.requires),
    laterKinds: new Set(),
    writers: new Map(),
    packs: new Map(),
    packsById: new Map(),
    snapshots: new Map(),
    condemned: new Map(),
    checked: new Map(),
    replaced: new Map(),
    damaged: new Map(),
    healed: new Map(),
    lost: new Map(),
  }
}

/** A pure function: the state after these entries, which follow the state's head without a gap. Void entries change only the head. */
export function fold(state: LogState, entries: readonly (Entry | LostEntry)[]): LogState {
  if (entries.length === 0) return state
  const draft: Draft = {
    ...state,
    epochs: new Map(state.epochs),
    laterKinds: new Set(state.laterKinds),
    writers: new Map(state.writers),
    packs: new Map(state.packs),
    packsById: new Map(state.packsById),
    snapshots: new Map(state.snapshots),
    condemned: new Map(state.condemned),
    checked: new Map(state.checked),
    replaced: new Map(state.replaced),
    damaged: new Map(state.damaged),
    healed: new Map(state.healed),
    lost: new Map(state.lost),
  }
  for (const entry of entries) {
    draft.head = { n: entry.n, digest: entry.digest ?? new Uint8Array(32) }
    if (!('payload' in entry)) draft.lost.set(entry.n, entry)
    else if (isOfEpoch(draft, entry.epoch)) {
      if (entry.epoch > draft.epoch) draft.sealedUnder = entry.epoch
      apply(draft, entry)
    }
  }
  return draft
}

/**
 * An older one: sealed under keys that were replaced, its writer did not know of the KEY entry before it. A newer one: no KEY entry
 * has begun it, unless one of the lost entries was that. From then on the older epoch is over, or a thief of its keys could go on in
 * it; and as he might have made the newer one, nothing in it changes the keys or ends the loss.
 */
function isOfEpoch({ epoch: current, lost, sealedUnder = current }: Draft, epoch: number): boolean {
  return lost.size === 0 ? epoch === current : epoch >= sealedUnder
}

function apply(draft: Draft, { n, epoch, payload }: Entry): void {
  draft.requires = joinRequirements(draft.requires, payload.requires)
  switch (payload.kind) {
    case 'OPEN': {
      const writer = hex(payload.writer)
      if (!draft.writers.has(writer)) draft.writers.set(writer, { ...payload, entry: n, floor: n })
      return
    }
    case 'ABORT':
      draft.writers.delete(hex(payload.writer))
      return
    case 'SNAPSHOT':
      return applySnapshot(draft, n, payload)
    case 'FORGET':
      for (const id of payload.snapshots) draft.snapshots.delete(hex(id))
      return
    case 'CONDEMN':
      return applyCondemn(draft, n, payload)
    case 'SWEEP':
      return applySweep(draft, payload)
    case 'COMPACT':
      return applyCompact(draft, n, payload)
    case 'DAMAGED':
      return applyDamaged(draft, n, payload)
    case 'HEAL':
      return applyHeal(draft, n, payload)
    case 'KEY':
      return epoch === draft.epoch ? applyKey(draft, n, payload) : undefined
    case 'VOID':
      return epoch === draft.epoch ? applyVoid(draft, payload) : undefined
    case 'CHECKED':
      return applyChecked(draft, n, payload)
    case 'DRILLED':
      return applyDrilled(draft, payload)
    case 'GENESIS':
      return // Only entry 0 is one.
    default:
      draft.laterKinds.add(String((payload as { kind: unknown }).kind))
  }
}

/** Void without an open writer, when it names a pack that is not there (swept, or never brought by a valid entry), and when a new one is there. */
function applySnapshot(draft: Draft, n: number, payload: SnapshotEntry): void {
  const writer = hex(payload.writer)
  if (!draft.writers.has(writer)) return
  const uses = decodePackNumbers(payload.uses)
  if (!uses.every((number) => draft.packs.has(number)) || !areNew(draft, payload)) return
  draft.writers.delete(writer)
  const used = [...new Set([...uses, ...healingPacks(draft, uses)])].toSorted((one, other) => one - other)
  used.push(...addPacks(draft, n, payload))
  for (const number of used) draft.condemned.delete(number)
  const { manifest } = payload
  const inline = manifest instanceof Uint8Array
  const id = inline ? createHash('sha256').update(manifest).digest('hex') : hex(manifest.id)
  const place = inline ? manifest : { ...manifest, packId: packId(payload.writer, manifest.counter) }
  draft.snapshots.set(id, { id, entry: n, manifest: place, packs: used })
}

/** Void for a snapshot that is not there. A walk proves less than a boot, so one that passes takes no proof away, and gives none. */
function applyDrilled(draft: Draft, { snapshot, time, level, passed, note }: Drilled): void {
  const record = draft.snapshots.get(hex(snapshot))
  if (record === undefined) return
  const proven = passed && (level === 'booted' || record.drill?.proven === true)
  draft.snapshots.set(record.id, { ...record, drill: { time, level, passed, note, proven } })
}

/** Void when it goes back to an older epoch. */
function applyKey(draft: Draft, n: number, payload: Key): void {
  if (payload.epoch < draft.epoch) return
  if (payload.epoch > draft.epoch) draft.epochs.set(payload.epoch, n)
  draft.epoch = payload.epoch
  draft.slotsSince = n
  draft.slots = payload.slots
  draft.slotTimes = slotTimes(payload, draft.slotTimes)
}

/** When each slot came, by its id in hex. */
function slotTimes({ slots, time }: Genesis | Key, before: ReadonlyMap<string, number>): Map<string, number> {
  return new Map(slots.map(({ id }) => [hex(id), before.get(hex(id)) ?? time]))
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
