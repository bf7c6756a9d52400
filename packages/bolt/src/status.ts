import { randomInt } from 'node:crypto'
import { BoltError } from './errors.ts'
import { crossingRuns } from './crossing-runs.ts'
import type { HashKv } from './hash-kv.ts'
import { lookSegment } from './look.ts'
import type { LookPlan } from './look.ts'
import { records } from './look-format.ts'
import { looks } from './looks.ts'
import { chooseMeta, readMeta, withoutTrailer } from './meta.ts'
import type { Meta } from './meta.ts'
import type { Pages } from './pages.ts'
import { takeBytes, takeNumber } from './record.ts'
import { readRevision } from './revision.ts'
import { walkLooks } from './status-walk.ts'
import type { Walked } from './status-walk.ts'

/** What `etcdutl snapshot status` says of a database, and what its bucket `meta` holds. Zero, empty or undefined where etcd has not written it. */
export interface Status {
  readonly hash: number
  /** Main revision of the last row, as etcdutl has it. */
  readonly revision: number
  /** What etcd goes on from: the highest of 1, the last row, and the compactions, scheduled or finished. */
  readonly currentRevision: number
  /** Live user keys: `totalKey` of etcdutl 3.6 and later. */
  readonly keys: number
  /** Items of all buckets: `totalKey` up to 3.5. */
  readonly items: number
  /** Bytes up to the high-water mark. */
  readonly totalSize: number
  readonly pageBytes: number
  /** As `3.6.0`; empty before 3.6. */
  readonly storageVersion: string
  readonly clusterVersion: string
  readonly consistentIndex: number
  /** Undefined before 3.5. */
  readonly term: number | undefined
  /** Where history begins; -1 when never compacted. */
  readonly compactRevision: number
  /** What a member with these bytes answers to HashKV of its current revision; undefined where bucket `key` is missing or not etcd's. */
  readonly hashKv: HashKv | undefined
}

export interface StatusCollector {
  /** A segment's look and its bytes, in stream order and without gaps. The bytes are not kept. */
  take(look: Uint8Array, bytes: Uint8Array, position: number): void
  /** After the last segment. @throws BoltError */
  conclude(): Status
}

/**
 * The main thread's half of a status: puts together what `lookSegment` said of all segments with the same plan.
 * @param seen holds nothing yet
 */
export function statusCollector(plan: LookPlan, seen = looks()): StatusCollector {
  const crossing = crossingRuns(plan)
  let end = 0
  return {
    take(look, bytes, position) {
      for (const whole of crossing.complete(bytes, position)) seen.add(whole)
      crossing.begin(seen.add(look), bytes, position)
      end = position + bytes.length
    },
    conclude() {
      const metas = [0, 1].map((page) => {
        const record = seen.record(page)
        if (!record || takeNumber(record.reader) !== records.meta) return undefined
        return readMeta(takeBytes(record.reader), 0, page)
      })
      const meta = chooseMeta(metas, plan.pageBytes, withoutTrailer(end))
      return statusFrom(meta, walkLooks(meta, seen, crossing.missing))
    },
  }
}

const segmentBytes = 2 << 20

/** Status of a database by the same two halves, reading all of it once. @throws BoltError */
export async function statusOf(pages: Pages): Promise<Status> {
  const { pageBytes } = pages
  const plan = { pageBytes, seed: randomInt(2 ** 32) }
  const collector = statusCollector(plan)
  const total = Math.floor(pages.bytes / pageBytes)
  const step = Math.max(1, segmentBytes / pageBytes)
  for (let page = 0; page < total; page += step) {
    const bytes = await pages.read(page, Math.min(step, total - page))
    collector.take(lookSegment(bytes, page * pageBytes, plan), bytes, page * pageBytes)
  }
  if (total === 0) throw new BoltError('truncated', `the database has ${pages.bytes} bytes`)
  return collector.conclude()
}

function statusFrom(meta: Meta, walked: Walked): Status {
  const { noted, revision } = walked
  const text = (name: string) => Buffer.from(noted.get(name) ?? []).toString()
  const number = (name: string) => readCounter(noted.get(name))
  const compaction = (name: string) => readRevision(noted.get(name) ?? new Uint8Array(0))?.main
  const compactRevision = compaction('finishedCompactRev') ?? -1
  const compacting = Math.max(compactRevision, compaction('scheduledCompactRev') ?? -1)
  const currentRevision = Math.max(1, revision, compacting)
  return {
    hash: walked.hash,
    revision,
    currentRevision,
    keys: walked.keys,
    items: walked.items,
    totalSize: meta.pages * meta.pageBytes,
    pageBytes: meta.pageBytes,
    storageVersion: text('storageVersion'),
    clusterVersion: text('clusterVersion'),
    consistentIndex: number('consistent_index') ?? 0,
    term: number('term'),
    compactRevision,
    hashKv: walked.hashKv?.(currentRevision, compacting),
  }
}

/** u64 BE, or undefined when it is none below 2^53. */
function readCounter(bytes: Uint8Array | undefined): number | undefined {
  if (bytes?.length !== 8) return undefined
  const value = Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0))
  return Number.isSafeInteger(value) ? value : undefined
}
