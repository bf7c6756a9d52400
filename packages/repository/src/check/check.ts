import type { KpipeError } from '@kpipe/engine/contracts'
import { heal } from '../damage/heal.ts'
import { damagedObject, findLosses } from '../damage/losses.ts'
import type { Losses } from '../damage/losses.ts'
import type { LogState, SnapshotRecord } from '../log/state.ts'
import { packName } from '../packs/pack-name.ts'
import { readDirectory } from '../packs/read-directory.ts'
import { listPacks } from '../parent.ts'
import type { SnapshotList } from '../snapshot-list.ts'
import { checkChain, checkSlots } from './chain.ts'
import { DamageList } from './damage.ts'
import type { Damage } from './damage.ts'
import { Findings } from './findings.ts'
import { addLostChunks } from './lost-in.ts'
import { neededPacks, presentPacks } from './presence.ts'
import type { NeededPack } from './presence.ts'
import { isAsStored, readPack } from './read-pack.ts'
import type { PackReading, ProveFrame } from './read-pack.ts'
import { record, recording, stateWith } from './record.ts'
import type { Recording } from './record.ts'
import { packsToRead } from './share.ts'
import type { ReadShare } from './share.ts'
import { suspects, tellDamage } from './tell-damage.ts'
import type { Unneeded } from './tell-damage.ts'
import { nameChunks, openedPack } from './wanted-tags.ts'
import type { OpenedPack } from './wanted-tags.ts'

/** Tags of all chunks of so many packs are in memory at once: 50 MiB at the most that pages make. */
const packsAtOnce = 64

export interface CheckOptions {
  /** Ids of the snapshots whose packs are checked; default: all. Chain, marker and slots are checked whichever. */
  readonly snapshots?: readonly string[] | undefined
  /** Reads packs in whole: a share of them, or those of these names. */
  readonly read?: { readonly share: ReadShare | ReadonlySet<string>; readonly prove: ProveFrame } | undefined
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((bytes: number, totalBytes: number) => void) | undefined
}

export interface CheckReport {
  readonly entries: number
  readonly slots: number
  readonly snapshots: number
  /** Those that the snapshots need, and how many bytes they should have. */
  readonly packs: number
  readonly bytes: number
  readonly packsRead: number
  readonly bytesRead: number
  readonly damages: readonly Damage[]
  /** What is not as it was stored, and no snapshot needs: all chunks are to be had elsewhere. */
  readonly unneeded: readonly Unneeded[]
  /** Lost chunks that were found in other packs now. */
  readonly healed: number
  /** Why the log does not say what was found, in a sentence. */
  readonly notRecorded: string | undefined
}

export interface CheckContext extends Omit<PackReading, 'prove'>, Recording {
  readonly snapshots: SnapshotList
}

/**
 * Checks a repository from its first log entry on. What was found is recorded in the log, batch by batch: packs that are whole, and
 * chunks that are lost. Those that other packs hold are healed, so that only snapshots are told of which are not whole.
 * @throws KpipeError KPIPE_STORE_*, KPIPE_STAGE_*; damage is no error here, it is in the report
 */
export async function checkRepository(context: CheckContext, options: CheckOptions): Promise<CheckReport> {
  const { store, ring, log, snapshots } = context
  const damages = new DamageList()
  const findings = new Findings()
  // Learns the keys of epochs that others began meanwhile.
  await log.refresh()
  await snapshots.load(log.state)
  const chain = (await checkChain(store, ring, damages)) ?? log.state
  const slots = await checkSlots(store, chain, damages)
  const { state } = log
  const since = state.head.n
  const needed = neededPacks(state, wantedOf(state, options))
  const sizes = await listPacks(store)
  const present = presentPacks(sizes, needed, findings)
  const reading = packsRead(present, state, options)
  const notRead = await readBatches(context, options, reading, findings)
  const again = await wholeAgain(context, options, present, reading)
  // Others may have collected a pack, or forgotten who used it.
  await log.refresh()
  await snapshots.load(log.state)
  findings.keep(usedPacks(log.state))
  await addLostChunks(store, ring, log.state, snapshots.all(log.state), findings, options.signal)
  const notNoted = await record(context, again, findings.lost(), since)
  const told = await tell(context, options, findings, sizes, notNoted === undefined && notRead === undefined, damages)
  return {
    entries: chain.head.n + 1,
    slots,
    snapshots: wantedOf(state, options).length,
    packs: needed.length,
    bytes: sizeOf(needed),
    packsRead: reading.length,
    bytesRead: sizeOf(reading),
    damages: damages.all(),
    ...told,
    notRecorded: notRead ?? notNoted,
  }
}

function usedPacks({ snapshots }: LogState): Set<number> {
  return new Set([...snapshots.values()].flatMap(({ packs }) => packs))
}

function wantedOf(state: LogState, { snapshots }: CheckOptions): SnapshotRecord[] {
  const wanted = snapshots === undefined ? undefined : new Set(snapshots)
  return [...state.snapshots.values()].filter(({ id }) => wanted?.has(id) ?? true)
}

function packsRead(present: readonly NeededPack[], { checked }: LogState, { read }: CheckOptions): NeededPack[] {
  if (read === undefined) return []
  const { share } = read
  return share instanceof Set
    ? present.filter(({ pack }) => share.has(packName(pack.id)))
    : packsToRead(present, checked, share as ReadShare)
}

/** Heals what can be healed and notes what snapshots lack then. */
async function tell(
  context: CheckContext,
  options: CheckOptions,
  findings: Findings,
  sizes: ReadonlyMap<string, number>,
  canRecord: boolean,
  damages: DamageList,
): Promise<{ unneeded: readonly Unneeded[]; healed: number }> {
  const { store, ring, log, snapshots } = context
  const losses = (): Promise<Losses> => {
    const state = stateWith(log.state, findings.lost())
    const ids = suspects(state, wantedOf(state, options), findings)
    const readable = snapshots.all(state).filter(({ id }) => ids.has(id))
    return findLosses(store, ring, state, readable, options.signal)
  }
  let found = await losses()
  let healed = 0
  // What cannot be recorded is not healed either, and told as it is.
  if (canRecord && found.tags.size > 0)
    await recording(context, async () => (healed = await heal({ ...context, signal: options.signal }, found.tags, sizes)))
  if (healed > 0) found = await losses()
  return { unneeded: tellDamage(wantedOf(log.state, options), findings, found, snapshots.unreadable, damages), healed }
}

/** Why the log does not say what was found, if so. */
async function readBatches(
  context: CheckContext,
  options: CheckOptions,
  packs: readonly NeededPack[],
  findings: Findings,
): Promise<string | undefined> {
  const total = sizeOf(packs)
  const since = context.log.state.head.n
  let [bytes, notRecorded]: [number, string | undefined] = [0, undefined]
  for (let first = 0; first < packs.length; first += packsAtOnce) {
    const whole: number[] = []
    for (const opened of await openBatch(context, options, packs.slice(first, first + packsAtOnce), findings)) {
      options.signal?.throwIfAborted()
      if (await readPack({ ...context, prove: options.read!.prove }, opened, findings)) whole.push(opened.pack.number)
      options.onProgress?.((bytes += opened.pack.bytes), total)
    }
    notRecorded ??= await record(context, whole, findings.lost(), since)
  }
  return notRecorded
}

/** Directories of some packs, with the tags that live snapshots name of their chunks. */
async function openBatch(
  { store, ring, log, snapshots }: CheckContext,
  { signal }: CheckOptions,
  packs: readonly NeededPack[],
  findings: Findings,
): Promise<OpenedPack[]> {
  const opened = new Map<number, OpenedPack>()
  for (const needed of packs) {
    const { pack } = needed
    try {
      opened.set(pack.number, openedPack(needed, await readDirectory(store, ring, pack, 'the check')))
    } catch (error) {
      if (damagedObject(error) === undefined) throw error
      findings.addGone(pack, (error as KpipeError).message)
    }
  }
  const numbers = new Set([...opened.values()].filter(({ pack }) => pack.class === 'D').map(({ pack }) => pack.number))
  const { state } = log
  // One whose manifest is lost has no recipe.
  for (const snapshot of snapshots.all(state)) {
    signal?.throwIfAborted()
    const uses = state.snapshots.get(snapshot.id)!.packs.some((number) => numbers.has(number))
    if (uses) await nameChunks(store, ring, state, snapshot, opened, findings)
  }
  return [...opened.values()]
}

/** Numbers of packs that were damaged, and that somebody brought back. */
async function wholeAgain(
  { store, log }: CheckContext,
  { signal }: CheckOptions,
  present: readonly NeededPack[],
  read: readonly NeededPack[],
): Promise<number[]> {
  const whole: number[] = []
  if (log.state.damaged.size === 0) return whole
  const done = new Set(read.map(({ pack }) => pack.number))
  for (const { pack } of present) {
    if (done.has(pack.number) || !log.state.damaged.has(pack.number)) continue
    signal?.throwIfAborted()
    if (await isAsStored(store, pack)) whole.push(pack.number)
  }
  return whole
}

function sizeOf(packs: readonly NeededPack[]): number {
  return packs.reduce((sum, { pack }) => sum + pack.bytes, 0)
}
