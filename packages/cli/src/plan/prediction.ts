import type { Snapshot } from '@kpipe/repository'

/** Bytes of the next backup; null where nothing tells. */
export interface Prediction {
  readonly read: number | null
  readonly fresh: number | null
  readonly stored: number | null
  /** Where the numbers are from. */
  readonly basis: string
}

/** @param parent the snapshot that the next one would be stored as a change of */
export function predict(bytes: number | undefined, parent: Snapshot | undefined): Prediction {
  const read = bytes ?? null
  if (parent === undefined) return { read, fresh: read, stored: null, basis: 'the first backup: how well it compresses shows only then' }
  const { parent: before, statistics } = parent.manifest
  if (before === null) return { read, fresh: null, stored: null, basis: 'the second backup: how much changes in between shows only then' }
  return { read, fresh: count(statistics['bytes_fresh']), stored: count(statistics['bytes_encoded']), basis: 'as much as the last one' }
}

function count(fact: unknown): number | null {
  return typeof fact === 'number' ? fact : null
}
