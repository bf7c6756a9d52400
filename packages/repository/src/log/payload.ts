import type { SlotKind } from '../keys/slot.ts'
import type { Requirements } from '../features.ts'

/** A slot as GENESIS and KEY vouch for it. */
export interface SlotRecord {
  readonly id: Uint8Array
  readonly kind: SlotKind
  readonly public_key: Uint8Array
  readonly epoch: number
  /** SHA-256 of the slot object. */
  readonly digest: Uint8Array
}

/** A new pack: class, counter within its writer, bytes of the object, bytes of its directory, SHA-256 of the object. */
export type NewPack = readonly ['D' | 'M', number, number, number, Uint8Array]

/** Where a manifest of more than 64 KiB lies: a frame of an M pack that the same entry brings. */
export interface ManifestPlace {
  readonly id: Uint8Array
  readonly counter: number
  readonly offset: number
  readonly stored_bytes: number
  readonly epoch: number
}

interface Every {
  readonly time: number
  readonly requires?: Partial<Requirements>
}

export interface Genesis extends Every {
  readonly kind: 'GENESIS'
  readonly tool: string
  readonly tag_algorithm: string
  /** SHA-256 of the marker object. */
  readonly marker: Uint8Array
  readonly slots: readonly SlotRecord[]
}

export interface Open extends Every {
  readonly kind: 'OPEN'
  /** 8 random bytes, the first half of the ids of all packs of this writer. */
  readonly writer: Uint8Array
  readonly tool: string
  readonly host: string
  /** Of the running system, to tell a dead writer of this host; empty where there is none. */
  readonly boot: string
  readonly pid: number
}

export interface SnapshotEntry extends Every {
  readonly kind: 'SNAPSHOT'
  readonly writer: Uint8Array
  readonly packs: readonly NewPack[]
  /** Older packs that the snapshot uses: a column of pack numbers, see pack-numbers.ts. */
  readonly uses: Uint8Array
  readonly manifest: Uint8Array | ManifestPlace
}

export interface Abort extends Every {
  readonly kind: 'ABORT'
  readonly writer: Uint8Array
  readonly reason: string
}

export interface Forget extends Every {
  readonly kind: 'FORGET'
  /** Ids, 32 bytes each. */
  readonly snapshots: readonly Uint8Array[]
}

export interface Condemn extends Every {
  readonly kind: 'CONDEMN'
  readonly packs: Uint8Array
}

export interface Sweep extends Every {
  readonly kind: 'SWEEP'
  readonly writer: Uint8Array
  readonly packs: Uint8Array
}

export interface Key extends Every {
  readonly kind: 'KEY'
  readonly epoch: number
  /** All slots from here on, those of older epochs included. */
  readonly slots: readonly SlotRecord[]
}

/** These packs were read in whole, and all of each was as it was stored. */
export interface Checked extends Every {
  readonly kind: 'CHECKED'
  readonly packs: Uint8Array
}

/** Says that entry n, whose stored bytes have this digest (empty: it is missing), has no effect. */
export interface Void extends Every {
  readonly kind: 'VOID'
  readonly n: number
  readonly digest: Uint8Array
  /** What the entry said is in it, see packed-state.ts: the state after the entry before this one. */
  readonly state?: Uint8Array
}

/** New packs hold what lives of old ones. Acts on snapshots of entries up to `up_to` only, which were examined. */
export interface Compact extends Every {
  readonly kind: 'COMPACT'
  readonly writer: Uint8Array
  readonly packs: readonly NewPack[]
  /** A column of pack numbers. */
  readonly old: Uint8Array
  /** A varint column: for each old pack the place in `packs` of the one that has all its chunks that live or heal. */
  readonly into: Uint8Array
  readonly up_to: number
}

/** Tags pack by pack, see tags-by-pack.ts. */
export interface StoredTagsByPack {
  /** A column of pack numbers. */
  readonly packs: Uint8Array
  /** A varint column: tags a pack. */
  readonly counts: Uint8Array
  /** 16 bytes each. */
  readonly tags: Uint8Array
}

/** These chunks of these packs are lost. */
export interface Damaged extends Every, StoredTagsByPack {
  readonly kind: 'DAMAGED'
}

/** Chunks with these tags, lost elsewhere, are to be had in these packs. */
export interface Heal extends Every, StoredTagsByPack {
  readonly kind: 'HEAL'
}

/** What a drill, a restore for trial, made of a snapshot. */
export interface Drilled extends Every {
  readonly kind: 'DRILLED'
  /** Its id, 32 bytes. */
  readonly snapshot: Uint8Array
  /** `walked`: restored, and every page looked at. `booted`: an etcd began with it, too. */
  readonly level: 'walked' | 'booted'
  readonly passed: boolean
  /** For people, at most 1 KiB of UTF-8. */
  readonly note: string
}

export type Payload =
  Genesis | Open | SnapshotEntry | Abort | Forget | Condemn | Sweep | Key | Checked | Void | Compact | Damaged | Heal | Drilled
