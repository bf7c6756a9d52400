import type { Payload } from '../src/log/payload.ts'
import { done } from './step.ts'
import type { Step } from './step.ts'
import { append, shortName, snapshotHex, writerHex, writerId } from './world.ts'

/** FORGET of any one snapshot but the newest; with names, of any of these. */
export function forget(names?: string): Step {
  return (world, actor, rules) =>
    [...world.state.snapshots.keys()]
      .map(shortName)
      .slice(0, names === undefined ? -1 : undefined)
      .filter((name) => names?.includes(name) ?? true)
      .map((name) => {
        const owed = world.owed.difference(new Set([name]))
        const payload: Payload = { kind: 'FORGET', time: 0, snapshots: [Buffer.from(snapshotHex(name), 'hex')] }
        return done(append({ ...world, owed }, rules.fold, payload), actor, `FORGET ${name}`)
      })
}

/** ABORT of another writer, who may be alive after all. */
export function endWriter(name: string): Step {
  return (world, actor, rules) => {
    if (!world.state.writers.has(writerHex(name))) return []
    return [done(append(world, rules.fold, { kind: 'ABORT', time: 0, writer: writerId(name), reason: '' }), actor, `ABORT of ${name}`)]
  }
}
