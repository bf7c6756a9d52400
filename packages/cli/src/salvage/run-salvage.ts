import { dirname, resolve } from 'node:path'
import { filePages, leftItems, openBolt, readRevision, statusOf } from '@kpipe/bolt'
import type { Facts } from '@kpipe/engine/contracts'
import { knownRows, namedRange, revisionText } from '../check/lost-keys.ts'
import type { KnownRow, NamedRange } from '../check/lost-keys.ts'
import { neighbours, pagesOf } from '../check/lost-keys-of.ts'
import { codecFinder } from '../restore/codec-finder.ts'
import { hasherOf } from '../restore/hasher.ts'
import type { RestoreRun } from '../restore/run-restore.ts'
import { intoTarget } from '../scratch/into-target.ts'
import { openScratch } from '../scratch/scratch-folder.ts'
import { writeSnapshot } from '../scratch/write-snapshot.ts'
import { keyStates } from './key-states.ts'
import type { LostKey } from './key-states.ts'

/** What was written of a snapshot that is not whole, and what not. */
export interface Salvaged {
  /** Pages of the tree that are lost. */
  readonly pages: number
  readonly ranges: readonly NamedRange[]
  /** Rows of lost pages that were found on others. */
  readonly rescued: number
  /** Items of all buckets that are lost, by what was noted when the snapshot was made; undefined where it was not. */
  readonly items: number | undefined
  /** Of how many rows other snapshots know; the others are of keys that nobody can name. */
  readonly named: number
  readonly keys: readonly LostKey[]
  /** Live keys that are there, and that were noted. */
  readonly keysLeft: number
  readonly keysNoted: number | null
  /** Length of the file, and what the target made of it. */
  readonly bytes: number
  readonly made: Facts
}

/**
 * Writes a database of what can be read, without the lost pages, and gives it to the target. Undefined when nothing can be read.
 * @throws KpipeError KPIPE_TARGET_*, KPIPE_STORE_*; BoltError
 */
export async function runSalvage(run: RestoreRun & { readonly path: string }): Promise<Salvaged | undefined> {
  const { repository, snapshot, stages, workers, signal } = run
  const hash = await hasherOf(repository, stages)
  const reading = { repository, workers, hash, codec: codecFinder(stages, run.pipeline, run.overrides) }
  const pages = await pagesOf(reading, snapshot)
  if (pages === undefined) return undefined
  const { compact_revision: compacted, items: noted } = snapshot.facts
  let known: readonly KnownRow[] = []
  const left = await leftItems(pages, {
    compactRevision: typeof compacted === 'number' ? compacted : undefined,
    async known(lost) {
      known = await knownRows(snapshot, lost, await neighbours(reading, snapshot, new Set([snapshot.id])))
      const certain = new Set(known.filter((row) => row.certain).map(({ revision }) => revision))
      return (row) => certain.has(revisionText(row))
    },
  })
  const scratch = await openScratch(dirname(resolve(run.path)), 'salvage')
  try {
    const file = scratch.at('snapshot')
    const { bytes } = await writeSnapshot(file, left.items(), pages.pageBytes, signal)
    const written = await filePages(file)
    try {
      const bolt = await openBolt(written)
      const status = await statusOf(written)
      if (status.items === 0) return undefined
      const again = new Set(Array.from(left.strays, (key) => revisionText(readRevision(Buffer.from(key, 'latin1'))!)))
      const lost = known.filter(({ revision }) => !again.has(revision))
      const keys = await keyStates(lost, bolt)
      const made = await intoTarget({ ...run, file, facts: snapshot.facts })
      return {
        pages: left.lost.length,
        ranges: left.lost.map(namedRange),
        rescued: left.strays.size,
        items: typeof noted === 'number' ? Math.max(0, noted - status.items) : undefined,
        named: lost.filter(({ certain }) => certain).length,
        keys,
        keysLeft: status.keys,
        keysNoted: snapshot.keys,
        bytes,
        made,
      }
    } finally {
      await written.close()
    }
  } finally {
    await scratch.remove()
  }
}
