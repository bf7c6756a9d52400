/** Objects, and bytes of them. */
export interface Amount {
  readonly objects: number
  readonly bytes: number
}

/** A writer without an end in the log. */
export interface UnfinishedWriter {
  /** 16 hex digits. */
  readonly id: string
  readonly host: string
  readonly pid: number
  readonly since: Date
}

export interface EndedWriter extends UnfinishedWriter {
  /** Why nobody waits for it any more. */
  readonly reason: string
}

/** What a prune did, or would do without `apply`. */
export interface PruneReport {
  readonly applied: boolean
  readonly endedWriters: readonly EndedWriter[]
  /** Those that go on, this prune itself left out. */
  readonly openWriters: readonly UnfinishedWriter[]
  /** Packs that no snapshot uses any more, now marked for removal. */
  readonly condemned: Amount
  /** Packs that were taken out of the repository. */
  readonly swept: Amount
  /** Condemned packs that stay for now: until `sweepDelay` is over, or for writers that began before. */
  readonly waiting: Amount
  /** Some of those wait for writers, which they began before. */
  readonly waitsForWriters: boolean
  /** Objects without use that were removed: of writers that ended without them, or of packs swept before. */
  readonly leftovers: Amount
  /** Pack objects of which the log knows no writer. They are never removed. */
  readonly unknown: readonly string[]
  /** Packs whose live chunks were written into new ones. */
  readonly compacted: Amount
  readonly written: Amount
  /** Bytes that the snapshots which stay have no use for, within packs that stay. */
  readonly unusedBytes: number
  /** Bytes of the packs that the snapshots use. */
  readonly usedBytes: number
  /** Bytes of objects that were removed. */
  readonly freedBytes: number
  /** What could not be done and why, in sentences; nothing was lost. */
  readonly attention: readonly string[]
  /** Set when it ended before all was done: the next prune goes on. */
  readonly endedEarly: string | undefined
}
