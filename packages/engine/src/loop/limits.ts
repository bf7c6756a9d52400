export interface BackupLimits {
  /** Length of a segment, a power of two; a whole number of pages up to this size. */
  readonly segmentBytes: number
  /** Plain length of a full frame. */
  readonly frameBytes: number
  /** How long the store may take over one frame. */
  readonly stallTimeoutMs: number
  /** How long the source may be held: etcd keeps a read transaction open while it streams. */
  readonly maxHoldMs: number
}

export const defaultLimits: BackupLimits = {
  segmentBytes: 1024 * 1024,
  frameBytes: 4 * 1024 * 1024,
  stallTimeoutMs: 60_000,
  maxHoldMs: 600_000,
}
