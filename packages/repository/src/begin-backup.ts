import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { RepositoryWriter } from './backup-writer.ts'
import type { WriterContext } from './backup-writer.ts'
import type { BackupWriter, BeginOptions } from './backup.ts'
import type { LogState } from './log/state.ts'
import { listPacks, loadParent } from './parent.ts'
import { toolName } from './snapshot.ts'
import type { Snapshot } from './snapshot.ts'

/** Appends OPEN and loads the parent beside it. */
export async function beginBackup(context: WriterContext, options: BeginOptions): Promise<BackupWriter> {
  const { store, ring, log, snapshots } = context
  const writer = randomBytes(8)
  const candidatesOf = (state: LogState): Snapshot[] => snapshots.all(state).filter((snapshot) => isParentOf(snapshot, options))
  const listed = listPacks(store)
  listed.catch(() => undefined) // Thrown where it is awaited.
  const load = (state: LogState): ReturnType<typeof loadParent> =>
    loadParent({ store, ring, state, candidates: candidatesOf(state), listed })
  const guessedFrom = candidatesOf(log.state).at(-1)?.id
  const guess = load(log.state)
  guess.catch(() => undefined)
  const open = await log.append({
    kind: 'OPEN',
    writer,
    time: Date.now(),
    tool: toolName,
    host: hostname(),
    boot: bootId(),
    pid: process.pid,
  })
  try {
    await snapshots.load(log.state)
    // Others may have committed a newer one before this OPEN.
    const { parent, attention } = candidatesOf(log.state).at(-1)?.id === guessedFrom ? await guess : await load(log.state)
    await listed
    return new RepositoryWriter(context, options, writer, parent, attention, open.bytes)
  } catch (error) {
    // The first fault is the one to tell; an OPEN without end is harmless.
    await log.append({ kind: 'ABORT', writer, time: Date.now(), reason: 'the parent could not be loaded' }).catch(() => undefined)
    throw error
  }
}

function isParentOf(snapshot: Snapshot, { name, member, chunking }: BeginOptions): boolean {
  return snapshot.name === name && snapshot.member === member && snapshot.manifest.streams[0].chunking === chunking
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return '' // Not Linux: a dead writer of this host is then ended by its age alone.
  }
}
