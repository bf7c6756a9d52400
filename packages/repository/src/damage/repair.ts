import { KpipeError } from '@kpipe/engine/contracts'
import type { Store } from '@kpipe/engine/contracts'
import { beginEpoch } from '../keys/change-keys.ts'
import type { KeyRing } from '../keys/key-ring.ts'
import type { OpenedSlots } from '../keys/open-slots.ts'
import { entryName } from '../log/entry.ts'
import type { LostEntry } from '../log/entry.ts'
import { beginState, fold } from '../log/fold.ts'
import { readGenesis } from '../log/log.ts'
import type { Log } from '../log/log.ts'
import { packState } from '../log/packed-state.ts'
import type { Void } from '../log/payload.ts'
import { readLog, readLogInBatches } from '../log/read-log.ts'
import type { LogState } from '../log/state.ts'
import { packName } from '../packs/pack-name.ts'
import { listPacks } from '../parent.ts'
import type { SnapshotList } from '../snapshot-list.ts'
import { findCopies, heal } from './heal.ts'
import { findLosses, usersOfDamaged } from './losses.ts'
import { demandNoCheckpointAbove } from './checkpoint-above.ts'
import { keysAfterRepair } from './keys-after-repair.ts'
import type { KeysAfterRepair } from './keys-after-repair.ts'
import { recoverState } from './recover.ts'
import type { Recovered } from './recover.ts'

export interface RepairOptions {
  /** Without it nothing is changed: the report says what would be. */
  readonly apply: boolean
  /** Ids of key slots, or their first digits, that are not to open the repository any more, where a lost entry may have said so. */
  readonly withoutSlots: readonly string[]
  readonly signal?: AbortSignal | undefined
}

export interface RepairReport {
  /** Log entries that are missing or damaged. */
  readonly entries: readonly LostName[]
  /** Set when a lost entry may have changed the keys. */
  readonly keys: KeysAfterRepair | undefined
  /** Ids of snapshots that need what lost entries said, where that could be told from what is there. */
  readonly recovered: readonly string[]
  /** Packs that no log entry names: of backups that run, that died, or that a lost entry made. */
  readonly leftovers: { readonly packs: number; readonly bytes: number }
  /** Chunks that snapshots had lost, and those of them that are to be had elsewhere. */
  readonly chunksLost: number
  readonly chunksHealed: number
  /** Ids of snapshots that are not whole all the same. */
  readonly damaged: readonly string[]
}

export interface LostName {
  /** Name of the object. */
  readonly object: string
  readonly reason: string
  /** Whether a checkpoint knows what it said: nothing is lost with it then. */
  readonly known: boolean
}

export interface RepairContext {
  readonly store: Store
  readonly ring: KeyRing
  readonly slots: OpenedSlots
  readonly log: Log
  readonly snapshots: SnapshotList
}

/**
 * Makes a repository writable again whose log has lost entries, and lets snapshots find chunks that are to be had elsewhere.
 * @throws KpipeError KPIPE_USAGE, KPIPE_DAMAGED, KPIPE_KEY_WRONG, KPIPE_APPEND_LOST, KPIPE_STORE_*
 */
export async function repairRepository(context: RepairContext, options: RepairOptions): Promise<RepairReport> {
  const { store, ring, log, snapshots } = context
  await log.refresh()
  const lost = await lostEntries(context)
  const known = log.state.lost.size === 0
  const sizes = await listPacks(store)
  if (!known) await demandRepairable(context, lost)
  const keys = known || !mayHaveChangedKeys(log.state) ? undefined : await keysAfterRepair(context, options.withoutSlots)
  if (options.withoutSlots.length > 0 && keys === undefined)
    throw new KpipeError('KPIPE_USAGE', 'no lost entry may have changed the keys: `key remove` takes a slot off the list')
  const gained = known || lost.length === 0 ? undefined : await recovered(context, sizes)
  if (options.apply) {
    // The keys first: once the loss is over the log must list those that are in use.
    if (keys !== undefined) await beginEpoch(context, keys.kept, (payload, check) => log.appendRepair(payload, check))
    const last = lost.at(-1)
    for (const entry of lost.slice(0, -1)) await appendVoid(log, entry)
    if (last !== undefined) await appendVoid(log, last, known ? log.state : (await recovered(context, sizes))?.state)
    await snapshots.load(log.state)
  }
  const all = snapshots.all(log.state)
  const before = await findLosses(store, ring, log.state, usersOfDamaged(log.state, all), options.signal)
  const copies = { ...context, signal: options.signal }
  const healed = options.apply ? await heal(copies, before.tags, sizes) : countOf(await findCopies(copies, log.state, before.tags, sizes))
  const after = healed > 0 && options.apply ? await findLosses(store, ring, log.state, usersOfDamaged(log.state, all)) : before
  return {
    entries: lost.map(({ n, reason }) => ({ object: entryName(n), reason, known })),
    keys,
    recovered: gained?.snapshots ?? [],
    leftovers: leftoversIn(log.state, sizes),
    chunksLost: before.tags.size,
    chunksHealed: healed,
    damaged: [
      ...new Set([
        ...[...snapshots.unreadable.keys()].filter((id) => log.state.snapshots.has(id)),
        ...[...after.hurt.values()].flatMap((ids) => [...ids]),
      ]),
    ],
  }
}

/** Read from entry 0: a checkpoint hides what is below it. */
async function lostEntries({ store, ring }: RepairContext): Promise<LostEntry[]> {
  const genesis = await readGenesis(store, ring)
  let state = beginState(genesis)
  for await (const entries of readLogInBatches(store, ring, genesis)) state = fold(state, entries)
  return [...state.lost.values()]
}

async function recovered({ store, ring }: RepairContext, sizes: ReadonlyMap<string, number>): Promise<Recovered | undefined> {
  const genesis = await readGenesis(store, ring)
  return recoverState(store, ring, genesis, await readLog(store, ring, genesis), sizes)
}

async function demandRepairable({ store, ring, log }: RepairContext, lost: readonly LostEntry[]): Promise<void> {
  if (log.state.sealedUnder !== undefined) {
    const text = `the entry that began epoch ${log.state.sealedUnder} of the keys is lost in the log of ${store.location}, and nothing proves that they are its keys`
    throw new KpipeError('KPIPE_DAMAGED', text, { object: entryName(lost[0].n) })
  }
  await demandNoCheckpointAbove(store, ring, lost[0].n)
}

/** Without a KEY entry above it, which lists all slots. */
function mayHaveChangedKeys({ lost, slotsSince = -1 }: LogState): boolean {
  return [...lost.keys()].some((n) => n > slotsSince)
}

/** @param known the state that knows what the entry said */
async function appendVoid(log: Log, { n, digest = new Uint8Array(0) }: LostEntry, known?: LogState): Promise<void> {
  const { head } = log.state
  const payload: Void = { kind: 'VOID', time: Date.now(), n, digest, ...(known === undefined ? {} : { state: packState(known) }) }
  await log.appendRepair(payload, (now) => {
    if (known !== undefined && now.head.n !== head.n)
      throw new KpipeError('KPIPE_APPEND_LOST', 'another process appended to the log while it was repaired')
  })
}

function leftoversIn({ packs }: LogState, sizes: ReadonlyMap<string, number>): RepairReport['leftovers'] {
  const known = new Set([...packs.values()].map(({ id }) => packName(id)))
  const left = [...sizes].filter(([name]) => !known.has(name))
  return { packs: left.length, bytes: left.reduce((sum, [, bytes]) => sum + bytes, 0) }
}

function countOf(copies: ReadonlyMap<number, readonly string[]>): number {
  return [...copies.values()].reduce((sum, { length }) => sum + length, 0)
}
