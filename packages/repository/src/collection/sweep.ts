import type { StoredObject } from '@kpipe/engine/contracts'
import { encodePackNumbers } from '../log/pack-numbers.ts'
import type { Payload } from '../log/payload.ts'
import type { LogState, PackRecord } from '../log/state.ts'
import { mapLimit } from '../map-limit.ts'
import { packName } from '../packs/pack-name.ts'
import type { Collection } from './collect.ts'
import { entryTimes, isPast } from './entry-time.ts'
import { defaultSweepDelayMs } from './prune-options.ts'
import type { EndedWriter } from './prune-report.ts'
import { sizeOf } from './tally.ts'
import { condemnedPacks, unusedPacks } from './unused-packs.ts'
import type { CondemnedPacks } from './unused-packs.ts'

const removalsAtOnce = 8

/** Appends ABORT for writers that nobody waits for. One that ends meanwhile by itself needs none. */
export async function endWriters({ collector }: Collection, writers: readonly EndedWriter[]): Promise<void> {
  for (const { id, reason } of writers) {
    const writer = Buffer.from(id, 'hex')
    await collector.append(({ writers: open }) =>
      open.has(id)
        ? { payload: { kind: 'ABORT', time: Date.now(), writer, reason: `ended by a collection: ${reason}` } as const }
        : undefined,
    )
  }
}

/** Condemns what no snapshot uses. */
export async function condemnUnused({ options, collector, tally, log }: Collection): Promise<void> {
  if (!options.apply) {
    tally.condemned(unusedPacks(log.state))
    return
  }
  const appended = await collector.append((state) => {
    const packs = unusedPacks(state)
    return packs.length === 0 ? undefined : { packs, payload: { kind: 'CONDEMN', time: Date.now(), packs: numbersOf(packs) } as const }
  })
  tally.condemned(appended?.packs ?? [])
}

/**
 * Sweeps what has been condemned for long enough, and then removes its objects. A process that dies in between leaves objects that
 * the log does not know any more: leftovers.
 */
export async function sweepDue(collection: Collection): Promise<void> {
  const { options, collector, tally, log } = collection
  const ripe = await ripeEntries(collection, log.state)
  const decide = (state: LogState): CondemnedPacks => {
    const writers = collector.others(state).filter(({ id }) => !collection.ending.has(id))
    return condemnedPacks(state, writers, (entry) => ripe.has(entry))
  }
  const appended = options.apply
    ? await collector.append((state) => {
        const { due } = decide(state)
        const { writer } = collector
        return due.length === 0
          ? undefined
          : { due, payload: { kind: 'SWEEP', time: Date.now(), writer, packs: numbersOf(due) } satisfies Payload }
      })
    : decide(log.state)
  const swept = appended?.due ?? []
  const { waiting, waitsForWriters } = decide(log.state)
  tally.waiting(waiting)
  tally.waitsForWriters = waitsForWriters
  tally.add('swept', swept)
  tally.freedBytes += sizeOf(swept)
  await removeObjects(collection, swept.map(objectOf))
}

export async function removeObjects({ store, options }: Collection, objects: readonly StoredObject[]): Promise<void> {
  if (!options.apply) return
  await mapLimit(objects, removalsAtOnce, ({ name }) => store.remove(name))
}

/** Those entries that condemned something and are older than `sweepDelay`. */
async function ripeEntries({ store, ring, options }: Collection, { condemned }: LogState): Promise<Set<number>> {
  const delayMs = options.sweepDelayMs ?? defaultSweepDelayMs
  const times = await entryTimes(store, ring, condemned.values())
  return new Set([...times].filter(([, time]) => isPast(time, delayMs)).map(([entry]) => entry))
}

function numbersOf(packs: readonly PackRecord[]): Buffer {
  return encodePackNumbers(packs.map(({ number }) => number))
}

function objectOf({ id, bytes }: PackRecord): StoredObject {
  return { name: packName(id), bytes }
}
