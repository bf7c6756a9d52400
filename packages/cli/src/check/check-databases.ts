import { inspectSealed, useStage } from '@kpipe/engine'
import type { LoadedStage, StageLoader, Workers } from '@kpipe/engine'
import { KpipeError } from '@kpipe/engine/contracts'
import type { CodecRecord, CodecStage, Facts, HashStage, InspectStage } from '@kpipe/engine/contracts'
import type { Damage, Repository, Snapshot } from '@kpipe/repository'
import { defaultInspect } from '../where/stages.ts'

export interface DatabaseCheck {
  readonly repository: Repository
  readonly snapshots: readonly Snapshot[]
  readonly stages: StageLoader
  readonly hash: LoadedStage<HashStage>
  readonly codec: (record: CodecRecord) => Promise<LoadedStage<CodecStage>>
  readonly workers: Workers
  readonly signal: AbortSignal
  onProgress(bytes: number, totalBytes: number): void
}

export interface DatabaseReport {
  /** Databases that were read, and their bytes. */
  readonly databases: number
  readonly bytes: number
  /** Snapshots of which the inspector knew nothing when they were made. */
  readonly others: number
  readonly damages: readonly Damage[]
}

/**
 * Reads the database of each snapshot page by page out of its stored bytes, as a restore would, and compares what is found
 * with what was noted when the snapshot was made.
 */
export async function checkDatabases(check: DatabaseCheck): Promise<DatabaseReport> {
  const { stages, snapshots } = check
  const inspect = (await useStage(stages, 'inspect', defaultInspect[0], {}, process.cwd())) as LoadedStage<InspectStage>
  const withDatabase = snapshots.filter(({ facts }) => typeof facts['status_hash'] === 'number')
  const total = withDatabase.reduce((sum, { bytes }) => sum + bytes, 0)
  const damages: Damage[] = []
  let bytes = 0
  for (const snapshot of withDatabase) {
    check.signal.throwIfAborted()
    const damage = await databaseDamage(check, inspect, snapshot)
    if (damage !== undefined) damages.push(damage)
    check.onProgress((bytes += snapshot.bytes), total)
  }
  return { databases: withDatabase.length, bytes, others: snapshots.length - withDatabase.length, damages }
}

async function databaseDamage(
  { repository, hash, codec, workers, signal }: DatabaseCheck,
  inspect: LoadedStage<InspectStage>,
  snapshot: Snapshot,
): Promise<Damage | undefined> {
  const whole = `the database of snapshot ${snapshot.shortId}`
  try {
    const { chunking } = snapshot.manifest.streams[0]
    const found = await repository.reading(snapshot, async () => {
      const stream = await repository.openStream(snapshot)
      return inspectSealed({ stream, inspect, hash, codec, chunking, workers, signal })
    })
    const problem = difference(found, snapshot.facts)
    return problem === undefined ? undefined : { object: whole, problem, snapshots: [snapshot.id] }
  } catch (error) {
    if (!(error instanceof KpipeError) || error.exitCode !== 65) throw error
    const { object } = error.details
    return { object: typeof object === 'string' ? object : whole, problem: error.message, snapshots: [snapshot.id] }
  }
}

/** Of what is found now, only that counts which was noted then: later versions find more. */
function difference(found: Facts, noted: Facts): string | undefined {
  if (typeof found['status_hash'] !== 'number') return 'its stored bytes are no etcd database'
  const other = Object.keys(found).filter((name) => name in noted && JSON.stringify(found[name]) !== JSON.stringify(noted[name]))
  const texts = other.map(
    (name) => `${name} is ${JSON.stringify(found[name])} in the stored bytes, and ${JSON.stringify(noted[name])} was noted`,
  )
  return texts.length === 0 ? undefined : texts.join('; ')
}
