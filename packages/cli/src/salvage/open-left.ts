import { rm } from 'node:fs/promises'
import type { LostRange } from '@kpipe/bolt'
import type { SealedReaderOptions } from '@kpipe/engine'
import { KpipeError } from '@kpipe/engine/contracts'
import type { Repository, Snapshot } from '@kpipe/repository'
import { byRevision, knownRows } from '../check/lost-keys.ts'
import type { KnownRow } from '../check/lost-keys.ts'
import { nextTo } from '../check/lost-keys-of.ts'
import { leftFile } from './left-file.ts'
import type { LeftFile } from './left-file.ts'

export interface LeftReading {
  readonly repository: Repository
  readonly decoder: Omit<SealedReaderOptions, 'stream' | 'cacheBytes'>
  readonly signal: AbortSignal
}

/** What can be read of a snapshot, in a file; undefined when its recipe is lost, which tells where everything is. */
export async function openLeft(
  { repository, decoder, signal }: LeftReading,
  snapshot: Snapshot,
  file: string,
): Promise<LeftFile | undefined> {
  const stream = await repository.openWhatIsLeft(snapshot).catch((error: unknown) => {
    if (error instanceof KpipeError && error.exitCode === 65) return undefined
    throw error
  })
  const { page_bytes: pageBytes } = snapshot.facts
  return stream && leftFile(file, { ...decoder, stream }, typeof pageBytes === 'number' ? pageBytes : undefined, signal)
}

/** Rows of lost ranges that the snapshots beside it hold. One is asked after the other, and is in the file only meanwhile. */
export async function rowsBeside(reading: LeftReading, snapshot: Snapshot, lost: readonly LostRange[], file: string): Promise<KnownRow[]> {
  const rows = new Map<string, KnownRow>()
  for (const other of nextTo(snapshot, reading.repository.snapshots(), new Set([snapshot.id]))) {
    const pages = await openLeft(reading, other, file)
    if (pages === undefined) continue
    try {
      for (const row of await knownRows(snapshot, lost, [{ snapshot: other, pages }]))
        if (!rows.has(row.revision)) rows.set(row.revision, row)
    } finally {
      await pages.close()
      await rm(file, { force: true })
    }
  }
  return [...rows.values()].toSorted((one, other) => byRevision(one.revision, other.revision))
}
