import type { CheckReport, Damage, ProveFrame, ReadShare, Repository, Snapshot } from '@kpipe/repository'
import { openProgress } from '../progress/progress.ts'
import { codecFinder } from '../restore/codec-finder.ts'
import { hasherOf } from '../restore/hasher.ts'
import type { Terminal } from '../terminal.ts'
import { threads } from '../threads.ts'
import type { Where } from '../where/open.ts'
import { checkDatabases } from './check-databases.ts'
import type { DatabaseCheck, DatabaseReport } from './check-databases.ts'
import { lostKeysOf } from './lost-keys-of.ts'
import type { LostKeys } from './lost-keys.ts'
import { proveFrames } from './prove-frame.ts'

export interface Examination {
  readonly repository: Repository
  readonly where: Where
  /** Undefined for all of the repository. */
  readonly selected: readonly Snapshot[] | undefined
  /** Of the packs, to be read in whole. */
  readonly share: ReadShare | undefined
  readonly etcd: boolean
  readonly terminal: Terminal
  readonly signal: AbortSignal
}

export interface Examined {
  readonly report: CheckReport
  readonly databases: DatabaseReport | undefined
  /** Of the report and the databases. */
  readonly damages: readonly Damage[]
  /** Of snapshots that are damaged, where databases were to be read. */
  readonly lostKeys: readonly LostKeys[]
}

/** Looks at the repository, and then into the databases; threads are started only for what needs them. */
export async function examine(examination: Examination): Promise<Examined> {
  const { repository, where, selected, share, terminal, signal } = examination
  const hash = await hasherOf(repository, where.stages)
  const codec = codecFinder(where.stages, where.pipeline, where.overrides)
  const progress = await openProgress(terminal, 'checking')
  const onProgress = (bytes: number, totalBytes: number): void => progress.update(bytes, totalBytes)
  const provingFrames = async (): Promise<ProveFrame> => proveFrames(await threads(), hash, codec, repository.tagKey)
  const options = { snapshots: selected?.map(({ id }) => id), signal, onProgress }
  try {
    const report = await repository.check({ ...options, read: share && { share, prove: await provingFrames() } })
    if (!examination.etcd) return { report, databases: undefined, damages: report.damages, lostKeys: [] }
    const context = { repository, stages: where.stages, hash, codec, workers: await threads(), signal, onProgress }
    return await intoDatabases({ ...context, snapshots: selected ?? repository.snapshots() }, report, async (packs) =>
      repository.check({ ...options, read: { share: packs, prove: await provingFrames() } }),
    )
  } finally {
    progress.stop()
  }
}

/** @param readPacks checks again, and reads these packs */
async function intoDatabases(
  check: DatabaseCheck,
  first: CheckReport,
  readPacks: (packs: ReadonlySet<string>) => Promise<CheckReport>,
): Promise<Examined> {
  const hurtBefore = hurtIds(first.damages)
  const databases = await checkDatabases({ ...check, snapshots: check.snapshots.filter(({ id }) => !hurtBefore.has(id)) })
  // What broke the reading of a database is looked at as --read-data does, so that it is recorded, and healed where it can be.
  const packs = new Set(databases.damages.map(({ object }) => object).filter((object) => object.startsWith('packs/')))
  const second = packs.size === 0 ? undefined : await readPacks(packs)
  const known = second?.damages ?? first.damages
  const named = new Set([...known.map(({ object }) => object), ...(second?.unneeded ?? []).map(({ object }) => object)])
  const damages = [...known, ...databases.damages.filter(({ object }) => !named.has(object))]
  const report = second === undefined ? first : joined(first, second)
  return { report, databases, damages, lostKeys: await lostKeysOf(check, hurtIds(damages)) }
}

function hurtIds(damages: readonly Damage[]): Set<string> {
  return new Set(damages.flatMap(({ snapshots }) => snapshots))
}

function joined(first: CheckReport, second: CheckReport): CheckReport {
  return {
    ...second,
    packsRead: first.packsRead + second.packsRead,
    bytesRead: first.bytesRead + second.bytesRead,
    healed: first.healed + second.healed,
    notRecorded: first.notRecorded ?? second.notRecorded,
  }
}
