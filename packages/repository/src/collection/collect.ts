import type { CodecRecord, CodecSecrets, Store, StoredObject } from '@kpipe/engine/contracts'
import { demandFeatures } from '../features.ts'
import type { KeyRing } from '../keys/key-ring.ts'
import type { Log } from '../log/log.ts'
import type { SnapshotList } from '../snapshot-list.ts'
import { packsPrefix } from '../packs/pack-name.ts'
import { Collector } from './collector.ts'
import { compact } from './compact.ts'
import { findLeftovers, missingPack } from './leftovers.ts'
import { defaultOpenTtlMs } from './prune-options.ts'
import type { PruneOptions } from './prune-options.ts'
import type { PruneReport } from './prune-report.ts'
import { fillReserve } from './reserve.ts'
import { condemnUnused, endWriters, removeObjects, sweepDue } from './sweep.ts'
import { sizeOf, Tally } from './tally.ts'
import { unfinishedWriters, writersToEnd } from './unfinished-writers.ts'

export interface CollectionContext {
  readonly store: Store
  readonly ring: KeyRing
  readonly log: Log
  readonly snapshots: SnapshotList
  readonly secrets: (codecs: readonly CodecRecord[], epoch: number) => CodecSecrets
}

/** One collection under way. */
export interface Collection extends CollectionContext {
  readonly options: PruneOptions
  readonly collector: Collector
  readonly tally: Tally
  /** Ids of writers that count as ended although the log does not say so yet: of a collection that changes nothing. */
  readonly ending: ReadonlySet<string>
}

/**
 * Gives back the space of what no snapshot uses, beside any number of backups and other collectors. Each step is durable before
 * the next one begins, and whatever it dies at, another collection goes on from what the log says.
 * @throws KpipeError KPIPE_USAGE, KPIPE_DAMAGED, KPIPE_FORMAT_UNSUPPORTED, KPIPE_APPEND_LOST, KPIPE_STORE_*, KPIPE_STAGE_*
 */
export async function collect(context: CollectionContext, options: PruneOptions): Promise<PruneReport> {
  const { store, log, snapshots } = context
  // Before the log is read: see leftovers.ts.
  const listed = await listPackObjects(store)
  await log.refresh()
  await snapshots.load(log.state)
  // Who does not know all entries does not know all packs either, and would take some for leftovers.
  log.demandWritable()
  demandFeatures(log.state.requires, 'collect', store.location)
  const ended = writersToEnd(log.state, options.openTtlMs ?? defaultOpenTtlMs, options.endWriters ?? [], store.location)
  const collector = new Collector(log, store)
  const ending = new Set(options.apply ? [] : ended.map(({ id }) => id))
  const collection: Collection = { ...context, options, collector, tally: new Tally(ended), ending }
  if (!options.apply) return await examined(collection, listed)
  try {
    await endWriters(collection, ended)
    await giveBackSpace(collection, listed)
  } catch (error) {
    // The first fault is the one to tell; whoever collects next ends this writer.
    await collector.end('the collection failed').catch(() => undefined)
    throw error
  }
  await collector.end('collected')
  return await reported(collection)
}

/** What needs no new object comes first: on a full disk it makes room for the rest. */
async function giveBackSpace(collection: Collection, listed: readonly StoredObject[]): Promise<void> {
  const { store, log, tally, collector, options } = collection
  const deadline = Date.now() + (options.maxTimeMs ?? Infinity)
  const open = new Set([...log.state.writers.keys(), collector.id])
  await removeObjects(collection, await leftoversOf(collection, listed, open))
  await sweepDue(collection)
  await condemnUnused(collection)
  await sweepDue(collection)
  await compact(collection, deadline)
  await sweepDue(collection)
  if (!(await fillReserve(store, sizeOf([...log.state.packs.values()]))))
    tally.attention.push(`${store.location} has no room for the reserve, which a collection on a full disk needs`)
}

async function examined(collection: Collection, listed: readonly StoredObject[]): Promise<PruneReport> {
  const { log, ending } = collection
  const open = new Set([...log.state.writers.keys()].filter((id) => !ending.has(id)))
  await leftoversOf(collection, listed, open)
  await sweepDue(collection)
  await condemnUnused(collection)
  await compact(collection, Infinity)
  return await reported(collection)
}

/** Those that can be removed; none while something is missing that one of them may hold. */
async function leftoversOf(
  { store, ring, log, tally }: Collection,
  listed: readonly StoredObject[],
  open: ReadonlySet<string>,
): Promise<readonly StoredObject[]> {
  const leftovers = await findLeftovers(store, ring, log.state, listed, open)
  const missing = leftovers.ended.length === 0 ? undefined : await missingPack(store, log.state, listed)
  if (missing === undefined) {
    tally.leftovers(leftovers)
    return leftovers.ended
  }
  tally.notice(`${leftovers.ended.length} leftovers of writers that ended stay: ${missing}, which snapshots need, is missing`)
  tally.leftovers({ ...leftovers, ended: [] })
  return []
}

async function reported(collection: Collection): Promise<PruneReport> {
  const { options, log, tally, collector, ending } = collection
  const openWriters = unfinishedWriters(log.state, collector.id).filter(({ id }) => !ending.has(id))
  return tally.report({ applied: options.apply === true, openWriters })
}

async function listPackObjects(store: Store): Promise<StoredObject[]> {
  const objects: StoredObject[] = []
  for await (const object of store.list(packsPrefix)) objects.push(object)
  return objects
}
