import type { StatusResponse } from '../etcd-messages.ts'

/** A member that answered. */
export interface Candidate {
  readonly endpoint: string
  /** Empty when nobody tells. */
  readonly name: string
  /** Undefined when it refuses to tell. */
  readonly status: StatusResponse | undefined
}

export interface Preference {
  /** Id of the member of the newest snapshot. */
  readonly previousMember?: string | undefined
  /** Entries that a member may be behind. */
  readonly maxLag: number
  /** Id, name or endpoint of the one that is to be taken, whatever its state. */
  readonly pinned?: string | undefined
  /** Endpoints of those that failed in mid-stream. */
  readonly failed?: readonly string[]
}

export interface Judged<Kind extends Candidate> {
  readonly candidate: Kind
  /** Why it stands where it stands, in words. */
  readonly reasons: readonly string[]
}

export interface Choice<Kind extends Candidate> {
  /** Those to ask for a snapshot, the best first. */
  readonly fit: readonly Judged<Kind>[]
  readonly unfit: readonly Judged<Kind>[]
  /** `lost`: of all that tell their state, none knows a leader. */
  readonly quorum: 'held' | 'lost' | 'unknown'
}

const noId = '0'.repeat(16)

/**
 * Which member a snapshot is taken of. Followers and learners before the leader, which has the most to do; among equals the member of the
 * newest snapshot, as the pages of one member repeat and those of two do not. Never one that is alarmed as corrupt, has no leader where
 * others have one, or lags. Where none has a leader, the one that has applied most.
 */
export function chooseMember<Kind extends Candidate>(candidates: readonly Kind[], preference: Preference): Choice<Kind> {
  const corrupt = corruptMembers(candidates)
  const told = candidates.filter(({ status }) => status !== undefined && !isCorrupt(status, corrupt))
  const quorum = told.length === 0 ? 'unknown' : told.some(({ status }) => hasLeader(status!)) ? 'held' : 'lost'
  const newest = newestIndex(told)

  const faultsOf = ({ endpoint, status }: Kind): string[] => {
    const faults = preference.failed?.includes(endpoint) ? ['it failed in mid-stream'] : []
    if (status === undefined) return faults
    if (isCorrupt(status, corrupt)) faults.push('there is an alarm that it is corrupt')
    if (quorum === 'held' && !hasLeader(status)) faults.push('it has no leader')
    const lag = newest - status.raftAppliedIndex
    if (quorum === 'held' && lag > preference.maxLag) faults.push(`it is ${lag} entries behind`)
    return faults
  }
  const { pinned } = preference
  if (pinned !== undefined) {
    const named = candidates.filter((candidate) => isNamed(candidate, pinned))
    const others = candidates.filter((candidate) => !named.includes(candidate))
    return {
      fit: named.map((candidate) => ({ candidate, reasons: ['named by the setting member', ...faultsOf(candidate)] })),
      unfit: others.map((candidate) => ({ candidate, reasons: ['another member is named by the setting'] })),
      quorum,
    }
  }
  const judged = candidates.map((candidate) => ({ candidate, faults: faultsOf(candidate) }))
  const compare = quorum === 'lost' ? byApplied : byRole(preference.previousMember)
  return {
    fit: judged
      .filter(({ faults }) => faults.length === 0)
      .map(({ candidate }) => ({ candidate, reasons: merits(candidate, quorum, preference) }))
      .toSorted((a, b) => compare(a.candidate, b.candidate)),
    unfit: judged.filter(({ faults }) => faults.length > 0).map(({ candidate, faults }) => ({ candidate, reasons: faults })),
    quorum,
  }
}

/** How far a member is behind the newest entry that any of them knows of. */
export function lagOf(status: StatusResponse, candidates: readonly Candidate[]): number {
  return Math.max(0, newestIndex(candidates) - status.raftAppliedIndex)
}

export const hasLeader = ({ leaderId }: StatusResponse): boolean => leaderId !== noId

export function roleIn(status: StatusResponse): 'leader' | 'learner' | 'follower' {
  if (status.isLearner) return 'learner'
  return status.leaderId === status.header.memberId ? 'leader' : 'follower'
}

function newestIndex(candidates: readonly Candidate[]): number {
  return Math.max(0, ...candidates.flatMap(({ status }) => (status ? [status.raftIndex, status.raftAppliedIndex] : [])))
}

/**
 * Every member tells the alarms of all of them: `memberID:1234 alarm:CORRUPT `. One that names no member is about nobody in particular,
 * and so about all.
 */
function corruptMembers(candidates: readonly Candidate[]): ReadonlySet<string> {
  const alarms = candidates.flatMap(({ status }) => status?.errors ?? []).filter((error) => /\balarm:\s*CORRUPT\b/.test(error))
  return new Set(
    alarms.map((alarm) =>
      BigInt(/\bmemberID:\s*(\d+)/.exec(alarm)?.[1] ?? 0)
        .toString(16)
        .padStart(16, '0'),
    ),
  )
}

function isCorrupt({ header }: StatusResponse, corrupt: ReadonlySet<string>): boolean {
  return corrupt.has(header.memberId) || corrupt.has(noId)
}

function isNamed({ endpoint, name, status }: Candidate, pinned: string): boolean {
  if (pinned === endpoint || (pinned === name && name !== '')) return true
  return /^[0-9a-f]{1,16}$/i.test(pinned) && pinned.toLowerCase().padStart(16, '0') === status?.header.memberId
}

function merits({ status }: Candidate, quorum: Choice<Candidate>['quorum'], { previousMember }: Preference): string[] {
  if (status === undefined) return ['its state is not known']
  const role = quorum === 'lost' ? `no member has a leader; it has applied entry ${status.raftAppliedIndex}` : roleIn(status)
  return [role, ...(status.header.memberId === previousMember ? ['the newest snapshot is of it'] : [])]
}

type Compare = (a: Candidate, b: Candidate) => number

/** Those whose state is not known come last; what is equal stays in the order of the endpoints. */
const byApplied: Compare = (a, b) => (b.status?.raftAppliedIndex ?? -1) - (a.status?.raftAppliedIndex ?? -1)

function byRole(previousMember: string | undefined): Compare {
  const rank = ({ status }: Candidate): number => {
    if (status === undefined) return 8
    const role = roleIn(status)
    return (role === 'leader' ? 4 : 0) + (status.header.memberId === previousMember ? 0 : 2) + (role === 'learner' ? 0 : 1)
  }
  return (a, b) => rank(a) - rank(b)
}
