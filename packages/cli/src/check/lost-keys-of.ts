import { KpipeError } from '@kpipe/engine/contracts'
import type { LeftPages } from '@kpipe/bolt'
import type { Snapshot } from '@kpipe/repository'
import type { DatabaseCheck } from './check-databases.ts'
import { leftPages } from './left-pages.ts'
import { findLostKeys } from './lost-keys.ts'
import type { LostKeys, Neighbour } from './lost-keys.ts'

/** What keys these snapshots have lost; those without a recipe tell nothing. @param hurt ids of damaged snapshots, of which nobody learns anything either */
export async function lostKeysOf(check: DatabaseCheck, hurt: ReadonlySet<string>): Promise<LostKeys[]> {
  const { snapshots, signal } = check
  const lost: LostKeys[] = []
  for (const snapshot of snapshots.filter(({ id, facts }) => hurt.has(id) && typeof facts['status_hash'] === 'number')) {
    signal.throwIfAborted()
    const pages = await pagesOf(check, snapshot)
    if (pages === undefined) continue
    lost.push(await findLostKeys(snapshot, pages, await neighbours(check, snapshot, hurt)))
  }
  return lost
}

type PageReading = Pick<DatabaseCheck, 'repository' | 'hash' | 'codec' | 'workers'>

/** The pages of a snapshot that can be read; undefined when its recipe is lost. */
async function pagesOf({ repository, hash, codec, workers }: PageReading, snapshot: Snapshot): Promise<LeftPages | undefined> {
  try {
    const stream = await repository.openWhatIsLeft(snapshot)
    const { page_bytes: pageBytes } = snapshot.facts
    return leftPages({ stream, hash, codec, workers }, typeof pageBytes === 'number' ? pageBytes : undefined)
  } catch (error) {
    if (error instanceof KpipeError && error.exitCode === 65) return undefined
    throw error
  }
}

/** @param hurt ids of those to pass over */
async function neighbours(reading: PageReading, snapshot: Snapshot, hurt: ReadonlySet<string>): Promise<Neighbour[]> {
  const found: Neighbour[] = []
  for (const other of nextTo(snapshot, reading.repository.snapshots(), hurt)) {
    const pages = await pagesOf(reading, other)
    if (pages !== undefined) found.push({ snapshot: other, pages })
  }
  return found
}

/** The snapshots next to it, the newer one first: what that has, the damaged one had too. @param hurt ids of those to pass over */
export function nextTo(snapshot: Snapshot, all: readonly Snapshot[], hurt: ReadonlySet<string>): Snapshot[] {
  const at = all.findIndex(({ id }) => id === snapshot.id)
  const isAlike = ({ id, name, facts }: Snapshot): boolean =>
    !hurt.has(id) &&
    name === snapshot.name &&
    facts['cluster_id'] === snapshot.facts['cluster_id'] &&
    typeof facts['status_hash'] === 'number'
  return [all.slice(at + 1).find(isAlike), all.slice(0, at).findLast(isAlike)].filter((other) => other !== undefined)
}
