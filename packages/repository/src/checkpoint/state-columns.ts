import { operations } from '../features.ts'
import type { Requirements } from '../features.ts'
import { isOpen, isRequirements, isSlots } from '../log/payload-shape.ts'
import type { Genesis, SlotRecord } from '../log/payload.ts'
import type { LogState, WriterRecord } from '../log/state.ts'
import { decodeTagsByPack, encodeTagsByPack } from '../log/tags-by-pack.ts'
import { bin, count, isListOf, isMap, isMapOf } from '../shape.ts'
import type { Shape } from '../shape.ts'
import { decodeEntries, decodeLists, demand, encodeEntries, encodeLists, readVarints, varints } from './columns.ts'
import type { StoredEntries, StoredLists } from './columns.ts'
import { decodePacks, encodePacks } from './pack-columns.ts'
import type { StoredPacks } from './pack-columns.ts'
import { decodeSnapshots, encodeSnapshots } from './snapshot-columns.ts'
import type { StoredSnapshots } from './snapshot-columns.ts'

const packIdBytes = 16
const tagBytes = 16
const slotIdBytes = 8

/** A state without its head, GENESIS and lost entries, as msgpack takes it. FORMAT.md, chapter Checkpoints. */
interface StoredState {
  /** Each epoch and the entry that began it. */
  readonly epochs: readonly (readonly [number, number])[]
  readonly slots: readonly SlotRecord[]
  /** Id of each slot and the time of the entry that first listed it. */
  readonly slot_times: readonly (readonly [Uint8Array, number])[]
  readonly requires: Requirements
  readonly writers: readonly WriterRecord[]
  readonly packs: StoredPacks
  readonly snapshots: StoredSnapshots
  readonly condemned: StoredEntries
  readonly checked: StoredEntries
  readonly replaced: StoredLists
  readonly healed: StoredLists
  readonly damaged: ReturnType<typeof encodeTagsByPack> & { readonly entries: Uint8Array }
}

/** Equal states have equal columns. */
export function encodeState(state: LogState): StoredState {
  const damaged = [...state.damaged].toSorted(([one], [other]) => one - other)
  return {
    epochs: [...state.epochs],
    slots: state.slots,
    slot_times: [...state.slotTimes].map(([id, time]) => [Buffer.from(id, 'hex'), time]),
    requires: state.requires,
    writers: [...state.writers.values()],
    packs: encodePacks(state),
    snapshots: encodeSnapshots(state),
    condemned: encodeEntries(state.condemned),
    checked: encodeEntries(state.checked),
    replaced: encodeLists(state.replaced),
    healed: encodeLists(state.healed),
    damaged: {
      ...encodeTagsByPack(new Map(damaged.map(([number, { tags }]) => [number, [...tags].toSorted()]))),
      entries: varints(damaged.map(([, { entry }]) => entry)),
    },
  }
}

/** @throws RangeError when it is not what this version writes */
export function decodeState(value: unknown, genesis: Genesis, head: LogState['head']): LogState {
  demand(isStoredState(value), 'it is not a state')
  const stored = value as unknown as StoredState
  const epochs = new Map(stored.epochs)
  const { packs, packsById } = decodePacks(stored.packs)
  const lost = decodeTagsByPack(stored.damaged)
  const entries = readVarints(stored.damaged.entries, lost.size)
  return {
    head,
    epoch: [...epochs.keys()].at(-1)!,
    epochs,
    genesis,
    slots: stored.slots,
    slotTimes: new Map(stored.slot_times.map(([id, time]) => [Buffer.from(id).toString('hex'), time])),
    requires: stored.requires,
    laterKinds: new Set(),
    writers: new Map(stored.writers.map((writer) => [Buffer.from(writer.writer).toString('hex'), writer])),
    packs,
    packsById,
    snapshots: decodeSnapshots(stored.snapshots, [...packs.keys()]),
    condemned: decodeEntries(stored.condemned),
    checked: decodeEntries(stored.checked),
    replaced: decodeLists(stored.replaced, packIdBytes),
    healed: decodeLists(stored.healed, tagBytes),
    damaged: new Map([...lost].map(([number, tags], at) => [number, { entry: entries[at], tags: new Set(tags) }])),
    lost: new Map(),
  }
}

const isPair =
  (key: Shape, value: Shape): Shape =>
  (pair) =>
    Array.isArray(pair) && key(pair[0]) && value(pair[1])

const isStoredState = isMapOf({
  epochs: (value) => isListOf(isPair(count(0xffff_ffff), count()))(value) && (value as []).length > 0,
  slots: isSlots,
  slot_times: isListOf(isPair(bin(slotIdBytes), (time) => typeof time === 'number')),
  requires: (value) => isRequirements(value) && operations.every((operation) => isMap(value) && value[operation] !== undefined),
  writers: isListOf((value) => isOpen(value) && isMapOf({ entry: count(), floor: count() })(value)),
  packs: isMap,
  snapshots: isMap,
  condemned: isMap,
  checked: isMap,
  replaced: isMap,
  healed: isMap,
  damaged: isMapOf({ packs: bin(), counts: bin(), tags: bin() }),
})
