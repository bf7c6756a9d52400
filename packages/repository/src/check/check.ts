import { KpipeError } from '@kpipe/engine/contracts'
import type { Log } from '../log/log.ts'
import { encodePackNumbers } from '../log/pack-numbers.ts'
import type { LogState } from '../log/state.ts'
import { packName } from '../packs/pack-name.ts'
import { readDirectory } from '../packs/read-directory.ts'
import type { SnapshotList } from '../snapshot-list.ts'
import { checkChain, checkSlots } from './chain.ts'
import { DamageList } from './damage.ts'
import type { Damage } from './damage.ts'
import { neededPacks, presentPacks } from './presence.ts'
import type { NeededPack } from './presence.ts'
import { readPack } from './read-pack.ts'
import type { PackReading, ProveFrame } from './read-pack.ts'
import { packsToRead } from './share.ts'
import type { ReadShare } from './share.ts'
import { nameChunks, openedPack } from './wanted-tags.ts'
import type { OpenedPack } from './wanted-tags.ts'

/** Tags of all chunks of so many packs are in memory at once: 50 MiB at the most that pages make. */
const packsAtOnce = 64

export interface CheckOptions {
  /** Ids of the snapshots whose packs are checked; default: all. Chain, marker and slots are checked whichever. */
  readonly snapshots?: readonly string[] | undefined
  /** Reads packs in whole. */
  readonly read?: { readonly share: ReadShare; readonly prove: ProveFrame } | undefined
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
  /** Why the log does not say which packs were read, in a sentence. */
  readonly notRecorded: string | undefined
}

export interface CheckContext extends Omit<PackReading, 'prove'> {
  readonly log: Log
  readonly snapshots: SnapshotList
  /** Why nothing may be appended, if so. */
  readonly rolledBack: () => KpipeError | undefined
  readonly headMoved: () => Promise<void>
}

/**
 * Checks a repository from its first log entry on. Packs that were read and found whole are recorded in the log, batch by batch.
 * @throws KpipeError KPIPE_STORE_*, KPIPE_STAGE_*; damage is no error here, it is in the report
 */
export async function checkRepository(context: CheckContext, options: CheckOptions): Promise<CheckReport> {
  const { store, ring, log, snapshots } = context
  const damages = new DamageList()
  // Learns the keys of epochs that others began meanwhile.
  await log.refresh()
  const state = (await checkChain(store, ring, damages)) ?? log.state
  const slots = await checkSlots(store, state, damages)
  const wanted = options.snapshots === undefined ? undefined : new Set(options.snapshots)
  const records = [...state.snapshots.values()].filter(({ id }) => wanted?.has(id) ?? true)
  const needed = neededPacks(state, records)
  const present = await presentPacks(store, needed, damages)
  for (const { id, manifest } of records) {
    const sentence = snapshots.unreadable.get(id)
    if (sentence !== undefined && !(manifest instanceof Uint8Array)) damages.add(packName(manifest.packId), sentence, [id])
  }
  const reading = options.read === undefined ? [] : packsToRead(present, state.checked, options.read.share)
  const notRecorded = await readBatches(context, options, reading, state, damages)
  return {
    entries: state.head.n + 1,
    slots,
    snapshots: records.length,
    packs: needed.length,
    bytes: sizeOf(needed),
    packsRead: reading.length,
    bytesRead: sizeOf(reading),
    damages: await stillThere(log, damages.all()),
    notRecorded,
  }
}

async function readBatches(
  context: CheckContext,
  options: CheckOptions,
  packs: readonly NeededPack[],
  state: LogState,
  damages: DamageList,
): Promise<string | undefined> {
  const total = sizeOf(packs)
  let [bytes, notRecorded]: [number, string | undefined] = [0, undefined]
  for (let first = 0; first < packs.length; first += packsAtOnce) {
    const whole: number[] = []
    for (const opened of await openBatch(context, options, packs.slice(first, first + packsAtOnce), state, damages)) {
      options.signal?.throwIfAborted()
      if (await readPack({ ...context, prove: options.read!.prove }, opened, damages)) whole.push(opened.pack.number)
      options.onProgress?.((bytes += opened.pack.bytes), total)
    }
    notRecorded ??= await record(context, whole)
  }
  return notRecorded
}

/** Directories of some packs, with the tags that the snapshots name of their chunks. */
async function openBatch(
  { store, ring, snapshots }: CheckContext,
  { signal }: CheckOptions,
  packs: readonly NeededPack[],
  state: LogState,
  damages: DamageList,
): Promise<OpenedPack[]> {
  const opened = new Map<string, OpenedPack>()
  for (const needed of packs) {
    const { pack } = needed
    const directory = await damages.noting(packName(pack.id), needed.snapshots, () => readDirectory(store, ring, pack, 'the check'))
    if (directory !== undefined) opened.set(pack.id, openedPack(needed, directory))
  }
  const users = new Set([...opened.values()].filter(({ pack }) => pack.class === 'D').flatMap((pack) => pack.snapshots))
  // Others may have forgotten one since, and one whose manifest is lost has no recipe.
  for (const snapshot of snapshots.all(state)) {
    signal?.throwIfAborted()
    if (users.has(snapshot.id)) await nameChunks(store, ring, state, snapshot, opened, damages)
  }
  return [...opened.values()]
}

/** Appends CHECKED. A check that cannot be recorded is a check all the same: the reason is returned. */
async function record({ log, rolledBack, headMoved }: CheckContext, whole: readonly number[]): Promise<string | undefined> {
  if (whole.length === 0) return undefined
  try {
    const refused = rolledBack()
    if (refused !== undefined) throw refused
    const packs = encodePackNumbers(whole.toSorted((one, other) => one - other))
    await log.append({ kind: 'CHECKED', time: Date.now(), packs })
    await headMoved()
    return undefined
  } catch (error) {
    if (error instanceof KpipeError) return error.message
    throw error
  }
}

/** Without what only snapshots needed that others forgot meanwhile: their packs may go. */
async function stillThere(log: Log, damages: readonly Damage[]): Promise<readonly Damage[]> {
  if (damages.every(({ snapshots }) => snapshots.length === 0)) return damages
  await log.refresh()
  return damages
    .map((damage) => ({ ...damage, snapshots: damage.snapshots.filter((id) => log.state.snapshots.has(id)) }))
    .filter(({ snapshots }, index) => snapshots.length > 0 || damages[index].snapshots.length === 0)
}

function sizeOf(packs: readonly NeededPack[]): number {
  return packs.reduce((sum, { pack }) => sum + pack.bytes, 0)
}
