import { dirname, resolve } from 'node:path'
import { leftItems, openBolt, readRevision, statusOf } from '@kpipe/bolt'
import type { Fact, Facts } from '@kpipe/engine/contracts'
import { namedRange, revisionText } from '../check/lost-keys.ts'
import type { KnownRow, NamedRange } from '../check/lost-keys.ts'
import { codecFinder } from '../restore/codec-finder.ts'
import { hasherOf } from '../restore/hasher.ts'
import type { RestoreRun } from '../restore/run-restore.ts'
import { intoTarget } from '../scratch/into-target.ts'
import { openScratch } from '../scratch/scratch-folder.ts'
import type { Scratch } from '../scratch/scratch-folder.ts'
import { withPages } from '../scratch/with-pages.ts'
import { writeSnapshot } from '../scratch/write-snapshot.ts'
import { keyStates } from './key-states.ts'
import type { LostKey } from './key-states.ts'
import type { LeftFile } from './left-file.ts'
import { openLeft, rowsBeside } from './open-left.ts'
import type { LeftReading } from './open-left.ts'

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
 * Writes a database of what can be read, without the lost pages, and gives it to the target. Undefined when nothing can be read. What is in
 * the making, up to three times the database, lies in a scratch folder beside the target.
 * @throws KpipeError KPIPE_TARGET_*, KPIPE_STORE_*; BoltError
 */
export async function runSalvage(run: RestoreRun & { readonly path: string }): Promise<Salvaged | undefined> {
  const { repository, snapshot, stages, workers, signal } = run
  const hash = await hasherOf(repository, stages)
  const reading = { repository, signal, decoder: { hash, codec: codecFinder(stages, run.pipeline, run.overrides), workers } }
  const scratch = await openScratch(dirname(resolve(run.path)), 'salvage')
  try {
    const pages = await openLeft(reading, snapshot, scratch.at('left'))
    if (pages === undefined) return undefined
    const file = scratch.at('snapshot')
    const rebuilt = await rebuild(run, reading, pages, scratch, file).finally(() => pages.close())
    return rebuilt && { ...rebuilt, made: await intoTarget({ ...run, file, facts: snapshot.facts }) }
  } finally {
    await scratch.remove()
  }
}

async function rebuild(
  { snapshot, signal }: RestoreRun,
  reading: LeftReading,
  pages: LeftFile,
  scratch: Scratch,
  file: string,
): Promise<Omit<Salvaged, 'made'> | undefined> {
  const { compact_revision: compacted, items: noted } = snapshot.facts
  let known: readonly KnownRow[] = []
  const left = await leftItems(pages, {
    compactRevision: numberOf(compacted),
    async known(lost) {
      known = await rowsBeside(reading, snapshot, lost, scratch.at('beside'))
      const certain = new Set(known.filter((row) => row.certain).map(({ revision }) => revision))
      return (row) => certain.has(revisionText(row))
    },
  })
  const { bytes } = await writeSnapshot(file, left.items(), pages.pageBytes, signal)
  const again = new Set(Array.from(left.strays, (key) => revisionText(readRevision(Buffer.from(key, 'latin1'))!)))
  const lost = known.filter(({ revision }) => !again.has(revision))
  return withPages(file, async (written) => {
    const status = await statusOf(written)
    if (status.items === 0) return undefined
    return {
      pages: left.lost.length,
      ranges: left.lost.map(namedRange),
      rescued: left.strays.size,
      items: numberOf(noted) === undefined ? undefined : Math.max(0, Number(noted) - status.items),
      named: lost.filter(({ certain }) => certain).length,
      keys: await keyStates(lost, await openBolt(written)),
      keysLeft: status.keys,
      keysNoted: snapshot.keys,
      bytes,
    }
  })
}

function numberOf(fact: Fact | undefined): number | undefined {
  return typeof fact === 'number' ? fact : undefined
}
