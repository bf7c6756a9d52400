import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { RepositoryWriter } from './backup-writer.ts'
import type { BackupWriter, BeginOptions } from './backup.ts'
import type { LogState, SnapshotRecord } from './log/state.ts'
import { listPacks, loadParent } from './parent.ts'
import { runningSystem } from './running-system.ts'
import { toolName } from './snapshot.ts'
import type { Snapshot } from './snapshot.ts'
import { keptMemory } from './stream-memory/kept-memory.ts'
import { memoryPlace } from './stream-memory/memory-place.ts'
import { openRecords } from './stream-memory/record-reader.ts'
import type { RecordReader } from './stream-memory/record-reader.ts'
import type { WriterContext } from './writer-context.ts'

/** Appends OPEN and loads the parent beside it. */
export async function beginBackup(context: WriterContext, options: BeginOptions): Promise<BackupWriter> {
  const records = openRecords(memoryPlace(context, options, context.log.state.epoch))
  try {
    return await begin(context, options, records)
  } catch (error) {
    await (await records)?.close()
    throw error
  }
}

async function begin(context: WriterContext, options: BeginOptions, records: Promise<RecordReader | undefined>): Promise<BackupWriter> {
  const { store, ring, log, snapshots } = context
  const writer = randomBytes(8)
  const candidatesOf = (state: LogState): Snapshot[] => snapshots.all(state).filter((snapshot) => isParentOf(snapshot, options))
  const listed = listPacks(store)
  listed.catch(() => undefined) // Thrown where it is awaited.
  const load = (state: LogState): ReturnType<typeof loadParent> =>
    loadParent({ store, ring, state, candidates: candidatesOf(state), listed })
  const guessedIn = log.state
  const guess = load(log.state)
  guess.catch(() => undefined)
  const open = await log.append({
    kind: 'OPEN',
    writer,
    time: Date.now(),
    tool: toolName,
    host: hostname(),
    boot: runningSystem(),
    pid: process.pid,
  })
  try {
    await snapshots.load(log.state)
    const { parent, attention } = isStillSo(guessedIn, log.state, candidatesOf) ? await guess : await load(log.state)
    await listed
    const memory = await keptMemory(memoryPlace(context, options, log.state.epoch), records, parent?.snapshot.id)
    return new RepositoryWriter(context, options, { writer, parent, attention, memory, openBytes: open.bytes })
  } catch (error) {
    // The first fault is the one to tell; an OPEN without end is harmless.
    await log.append({ kind: 'ABORT', writer, time: Date.now(), reason: 'the parent could not be loaded' }).catch(() => undefined)
    throw error
  }
}

/**
 * Whether a parent that was loaded for one state is as it would be for a later one: others may have committed a newer one, a collection
 * may have moved its chunks, or some were found to be lost.
 */
function isStillSo(before: LogState, now: LogState, candidatesOf: (state: LogState) => Snapshot[]): boolean {
  const newest = newestRecord(now, candidatesOf)
  const isFoundBad = (number: number): boolean => (now.damaged.get(number)?.entry ?? 0) > before.head.n
  return newest === newestRecord(before, candidatesOf) && newest?.packs.some(isFoundBad) !== true
}

/** Which packs it uses is in it: it is another one after every entry that changes them. */
function newestRecord(state: LogState, candidatesOf: (state: LogState) => Snapshot[]): SnapshotRecord | undefined {
  const newest = candidatesOf(state).at(-1)
  return newest && state.snapshots.get(newest.id)
}

function isParentOf(snapshot: Snapshot, { name, member, chunking }: BeginOptions): boolean {
  return snapshot.name === name && snapshot.member === member && snapshot.manifest.streams[0].chunking === chunking
}
