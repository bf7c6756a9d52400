import type { Requirements } from '../features.ts'
import type { PackClass } from '../format.ts'
import type { LostEntry } from './entry.ts'
import type { Drilled, Genesis, ManifestPlace, Open, SlotRecord } from './payload.ts'

export interface PackRecord {
  readonly number: number
  /** 32 hex digits. */
  readonly id: string
  readonly class: PackClass
  readonly bytes: number
  readonly directoryBytes: number
  readonly sha256: Uint8Array
}

export interface SnapshotRecord {
  /** 64 hex digits. */
  readonly id: string
  /** The log entry that made it. */
  readonly entry: number
  readonly manifest: Uint8Array | (ManifestPlace & { readonly packId: string })
  /** Numbers of all packs that it needs, ascending; later entries put others in their place. */
  readonly packs: readonly number[]
  readonly drill?: DrillRecord
}

/** The newest drill of a snapshot. */
export interface DrillRecord {
  /** Of the DRILLED entry. */
  readonly time: number
  readonly level: Drilled['level']
  readonly passed: boolean
  readonly note: string
  /** Whether this or an earlier one booted and passed, and none has failed since. */
  readonly proven: boolean
}

/** A writer without a SNAPSHOT or ABORT. */
export interface WriterRecord extends Open {
  /** Of its OPEN. */
  readonly entry: number
  /** Least `up_to` of a COMPACT of it: its OPEN, or a later entry since which others have chunks elsewhere. */
  readonly floor: number
}

/** Chunks of a pack that are known to be lost. */
export interface DamagedPack {
  /** The newest DAMAGED entry that names it. */
  readonly entry: number
  /** In hex. */
  readonly tags: ReadonlySet<string>
}

/** What the log says, folded up to its head. */
export interface LogState {
  readonly head: { readonly n: number; readonly digest: Uint8Array }
  readonly epoch: number
  /** Each epoch with the entry that began it, oldest first: GENESIS, then KEY entries. */
  readonly epochs: ReadonlyMap<number, number>
  readonly genesis: Genesis
  readonly slots: readonly SlotRecord[]
  /** Time of the entry that first listed a slot, by its id in hex. */
  readonly slotTimes: ReadonlyMap<string, number>
  readonly requires: Requirements
  /** Kinds of entries that this version does not act on. */
  readonly laterKinds: ReadonlySet<string>
  /** Writers without a SNAPSHOT or ABORT, by id in hex. */
  readonly writers: ReadonlyMap<string, WriterRecord>
  /** All packs that are not swept, by number. */
  readonly packs: ReadonlyMap<number, PackRecord>
  readonly packsById: ReadonlyMap<string, PackRecord>
  /** Not forgotten ones, by id, in log order. */
  readonly snapshots: ReadonlyMap<string, SnapshotRecord>
  /** Pack number to the CONDEMN entry that condemned it. */
  readonly condemned: ReadonlyMap<number, number>
  /** Pack number to the newest CHECKED entry that names it. */
  readonly checked: ReadonlyMap<number, number>
  /** By id of a pack that was compacted: those that took over its live chunks and are not swept, by number, oldest first. */
  readonly replaced: ReadonlyMap<string, readonly number[]>
  /** By number. */
  readonly damaged: ReadonlyMap<number, DamagedPack>
  /** By tag in hex: packs in which a chunk is to be had that is lost elsewhere, by number, oldest first. */
  readonly healed: ReadonlyMap<string, readonly number[]>
  /** Entries that did not open and that no VOID names. */
  readonly lost: ReadonlyMap<number, LostEntry>
  /** Where entries are lost: the epoch of the newest entry that counted, when no KEY entry that is there has begun it. */
  readonly sealedUnder?: number | undefined
  /** The newest KEY entry that was folded since the state began; undefined when there was none. */
  readonly slotsSince?: number | undefined
}
