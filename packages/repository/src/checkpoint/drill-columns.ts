import { isDrillNote, maxTime } from '../log/payload-shape.ts'
import type { DrillRecord, SnapshotRecord } from '../log/state.ts'
import { isListOf } from '../shape.ts'
import { column, demand, readVarints, varints } from './columns.ts'

const passedBit = 1
const bootedBit = 2
const provenBit = 4

/** The newest drill of each snapshot that has one. */
export interface StoredDrills {
  /** Varint columns: place of the snapshot, less that of the one before; time of the entry. */
  readonly places: Uint8Array
  readonly times: Uint8Array
  /** u8 each, of bits: 1 passed, 2 booted, 4 proven. */
  readonly results: Uint8Array
  readonly notes: readonly string[]
}

export function encodeDrills(snapshots: readonly SnapshotRecord[]): StoredDrills {
  const drilled = [...snapshots.entries()].filter(([, { drill }]) => drill !== undefined)
  const drills = drilled.map(([, { drill }]) => drill!)
  return {
    places: varints(drilled.map(([place], at) => place - (at === 0 ? 0 : drilled[at - 1][0]))),
    times: varints(drills.map(({ time }) => time)),
    results: Uint8Array.from(drills, resultOf),
    notes: drills.map(({ note }) => note),
  }
}

/** By place of the snapshot. @throws RangeError */
export function decodeDrills(stored: StoredDrills): Map<number, DrillRecord> {
  const { notes } = stored
  demand(isListOf(isDrillNote)(notes), 'a drill has no note')
  const steps = readVarints(stored.places, notes.length)
  const times = readVarints(stored.times, notes.length)
  const results = column(stored.results)
  demand(results.length === notes.length, 'a column of drills has another length')
  const drills = new Map<number, DrillRecord>()
  let place = 0
  for (const [at, note] of notes.entries()) {
    place += steps[at]
    const level = (results[at] & bootedBit) === 0 ? 'walked' : 'booted'
    const [passed, proven] = [(results[at] & passedBit) !== 0, (results[at] & provenBit) !== 0]
    demand(times[at] <= maxTime, 'a drill has no time')
    drills.set(place, { time: times[at], level, passed, note, proven })
  }
  return drills
}

function resultOf({ passed, level, proven }: DrillRecord): number {
  return (passed ? passedBit : 0) | (level === 'booted' ? bootedBit : 0) | (proven ? provenBit : 0)
}
