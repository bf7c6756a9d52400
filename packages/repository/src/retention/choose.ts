import type { Snapshot } from '../snapshot.ts'
import { bucketsOf } from './buckets.ts'
import type { Buckets } from './buckets.ts'
import { before, spanText } from './policy.ts'
import type { KeepCount, Policy } from './policy.ts'

/** What retention looks at. */
export type Candidate = Pick<Snapshot, 'id' | 'name' | 'time' | 'bytes' | 'tags' | 'drill' | 'doubt'>

/** A snapshot and what keeps it; without a reason it goes. */
export interface Choice<Of extends Candidate = Candidate> {
  readonly snapshot: Of
  readonly reasons: readonly string[]
}

const kinds = ['hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const

/**
 * What a policy keeps, name by name: restic's rules. Of each bucket the newest snapshot stays, for as many buckets as the
 * rule has counts; while counts are left, the oldest snapshot stays too. The newest of a name, by log order, always stays,
 * and so does the newest that is proven to boot. One in doubt takes nobody's place: what would stay without it stays.
 * @param snapshots in log order; the result has the same order
 * @param now nothing later moves `within`
 */
export function choose<Of extends Candidate>(snapshots: readonly Of[], policy: Policy, now: Date): Choice<Of>[] {
  const reasons = new Map<string, string[]>(snapshots.map(({ id }) => [id, []]))
  const buckets = bucketsOf(policy.timezone)
  for (const group of Map.groupBy(snapshots, ({ name }) => name).values()) {
    for (const { id, reason } of alwaysStaying(group)) reasons.get(id)!.push(reason)
    keepByPolicy(group, policy, buckets, now, reasons)
    const sure = group.filter(({ doubt }) => doubt === undefined)
    if (sure.length < group.length) keepByPolicy(sure, policy, buckets, now, reasons)
  }
  return snapshots.map((snapshot) => ({ snapshot, reasons: [...new Set(reasons.get(snapshot.id)!)] }))
}

/** Those of one name that stay whatever is asked. @param group not empty, in log order */
export function alwaysStaying(group: readonly Candidate[]): { readonly id: string; readonly reason: string; readonly what: string }[] {
  const newest = group.at(-1)!
  const sure = group.findLast(({ doubt }) => doubt === undefined)
  const proven = newestProven(group)
  return [
    { id: newest.id, reason: 'newest', what: 'the newest' },
    ...(sure === undefined || sure === newest ? [] : [{ id: sure.id, reason: 'newest without doubt', what: 'the newest without doubt' }]),
    ...(proven === undefined ? [] : [{ id: proven.id, reason: 'drilled', what: 'the newest that is proven by a drill' }]),
  ]
}

function keepByPolicy(
  group: readonly Candidate[],
  policy: Policy,
  buckets: Buckets,
  now: Date,
  reasons: ReadonlyMap<string, string[]>,
): void {
  // Equal times: the later entry of the log is the newer one.
  const newestFirst = group.toReversed().toSorted((one, other) => other.time.getTime() - one.time.getTime())
  keepByTags(newestFirst, policy, reasons)
  keepWithin(newestFirst, policy, now, reasons)
  keepCounted(newestFirst, 'last', policy.last, (_, place) => String(place), reasons)
  for (const kind of kinds) keepCounted(newestFirst, kind, policy[kind], ({ time }) => buckets[kind](time), reasons)
}

/** Of one name, by log order: a drill booted an etcd with it, and none has failed since. */
function newestProven<Of extends Candidate>(group: readonly Of[]): Of | undefined {
  return group.findLast(({ drill }) => drill?.proven === true)
}

function keepByTags(group: readonly Candidate[], { tags = [] }: Policy, reasons: ReadonlyMap<string, string[]>): void {
  for (const list of tags) {
    for (const snapshot of group)
      if (list.every((tag) => snapshot.tags.includes(tag))) reasons.get(snapshot.id)!.push(`tag ${list.join(',')}`)
  }
}

function keepWithin(group: readonly Candidate[], { within }: Policy, now: Date, reasons: ReadonlyMap<string, string[]>): void {
  if (within === undefined) return
  const times = group.map(({ time }) => time.getTime()).filter((time) => time <= now.getTime())
  const since = times.length === 0 ? -Infinity : before(Math.max(...times), within)
  for (const { id, time } of group) if (time.getTime() > since) reasons.get(id)!.push(`within ${spanText(within)}`)
}

/** @param group newest first */
function keepCounted(
  group: readonly Candidate[],
  kind: string,
  count: KeepCount = 0,
  bucketOf: (candidate: Candidate, place: number) => string,
  reasons: ReadonlyMap<string, string[]>,
): void {
  let left = count === 'unlimited' ? Infinity : count
  let last: string | undefined
  group.forEach((candidate, place) => {
    if (left <= 0) return
    const bucket = bucketOf(candidate, place)
    const isOldest = place === group.length - 1
    if (bucket === last && !isOldest) return
    reasons.get(candidate.id)!.push(bucket === last ? `oldest ${kind}` : kind)
    last = bucket
    left -= 1
  })
}
