import { inspectSealed, useStage } from '@kpipe/engine'
import type { LoadedStage, Pipeline, StageLoader, Workers } from '@kpipe/engine'
import type { Facts, InspectStage } from '@kpipe/engine/contracts'
import { KpipeError } from '@kpipe/engine/contracts'
import type { Repository, Snapshot } from '@kpipe/repository'
import type { EtcdStatus } from '../output/status-text.ts'
import { defaultInspect } from '../where/stages.ts'
import { codecFinder } from './codec-finder.ts'
import { hasherOf } from './hasher.ts'
import { naming } from './naming.ts'

export interface StatusRun {
  readonly repository: Repository
  readonly snapshot: Snapshot
  readonly stages: StageLoader
  readonly pipeline: Pipeline | undefined
  readonly overrides: readonly string[]
  readonly workers: Workers
  readonly signal: AbortSignal
}

/**
 * The status of a snapshot's database, computed from its stored bytes.
 * @throws KpipeError KPIPE_DAMAGED when it differs from what was noted when the snapshot was made; KPIPE_USAGE when the
 * snapshot is no etcd database
 */
export async function readStatus(run: StatusRun): Promise<EtcdStatus> {
  const { repository, snapshot, stages, workers, signal } = run
  if (typeof snapshot.facts['status_hash'] !== 'number') throw noDatabase(snapshot)
  const inspect = (await useStage(stages, 'inspect', defaultInspect[0], {}, process.cwd())) as LoadedStage<InspectStage>
  const hash = await hasherOf(repository, stages)
  const codec = codecFinder(stages, run.pipeline, run.overrides)
  const work = async (): Promise<EtcdStatus> => {
    const stream = await repository.openStream(snapshot)
    const facts = await inspectSealed({ stream, inspect, hash, codec, chunking: snapshot.manifest.streams[0].chunking, workers, signal })
    for (const name of ['status_hash', 'revision', 'keys', 'total_size'] as const) compare(name, facts, snapshot.facts)
    return statusOf(facts)
  }
  return naming(snapshot, () => repository.reading(snapshot, work))
}

function statusOf(facts: Facts): EtcdStatus {
  return {
    hash: Number(facts['status_hash']),
    revision: Number(facts['revision']),
    totalKey: Number(facts['keys']),
    totalSize: Number(facts['total_size']),
    version: String(facts['storage_version'] ?? ''),
  }
}

function compare(name: string, { [name]: computed }: Facts, { [name]: noted }: Facts): void {
  if (computed === noted) return
  throw new KpipeError('KPIPE_DAMAGED', `${name} is ${String(computed)} in the stored bytes, and ${String(noted)} was noted`, { name })
}

function noDatabase({ shortId, name, id }: Snapshot): KpipeError {
  return new KpipeError('KPIPE_USAGE', `snapshot ${shortId} of ${name} holds no etcd database`, { snapshot: id })
}
