import type { HashKv } from '@kpipe/bolt'
import type { MemberHash } from './ask-hashes.ts'

export interface Verdict {
  /**
   * `agreed`: a member has the same history as the snapshot, and none another one. `disputed`: members differ from it, or from each
   * other. `none`: nothing could be compared.
   */
  readonly evidence: 'agreed' | 'disputed' | 'none'
  /** What differs, and who was not compared. Empty when all were. */
  readonly note: string
}

/** Compares HashKV of the snapshot's own bytes with what members said, and those with each other. Only what was hashed to the same revision and compacted at the same one says anything. */
export function judge(own: HashKv, members: readonly MemberHash[]): Verdict {
  const compared = members.filter((member) => isComparable(member, own))
  const differing = compared.filter((member) => !isEqual(member, own))
  const others = members.filter((member) => !compared.includes(member))
  const notes = others.map((member) => `${nameOf(member)}: ${whyNot(member, own)}`)
  if (differing.length > 0) {
    const seen = differing.map((member) => `${nameOf(member)} has ${hashOf(member)}`)
    const equal = compared.filter((member) => !differing.includes(member)).map(nameOf)
    const like = equal.length === 0 ? '' : `, as ${equal.join(' and ')} ${equal.length === 1 ? 'has' : 'have'}`
    return {
      evidence: 'disputed',
      note: [`HashKV ${scope(own)}, is ${own.hash} in the snapshot${like}; ${seen.join(', ')}`, ...notes].join('; '),
    }
  }
  // Whom the snapshot says nothing of may still contradict each other.
  for (const group of Map.groupBy(others.filter(answered), scopeOf).values()) {
    if (own.hashBefore !== undefined || new Set(group.map(hashOf)).size < 2) continue
    const seen = group.map((member) => `${nameOf(member)} has ${hashOf(member)}`)
    return { evidence: 'disputed', note: `members have different HashKV ${scopeOf(group[0])}: ${seen.join(', ')}` }
  }
  return { evidence: compared.length > 0 ? 'agreed' : 'none', note: notes.join('; ') }
}

/** Whether another answer may be had in a moment: it lags behind the snapshot, or has not compacted as far. */
export function mayCatchUp({ answer }: MemberHash, own: HashKv): boolean {
  return 'hash' in answer ? answer.compactRevision < own.compactRevision : answer.passing === 'behind'
}

function isComparable({ answer }: MemberHash, { revision, compactRevision }: HashKv): boolean {
  return 'hash' in answer && [0, revision].includes(answer.hashRevision) && answer.compactRevision === compactRevision
}

/** Where no key is live, versions differ in whether the tombstone of the compacted revision counts. */
function isEqual(member: MemberHash, { hash, hashBefore }: HashKv): boolean {
  return hashOf(member) === hash || (hashBefore !== undefined && hashOf(member) === hashBefore && hashesTombstones(member.version))
}

/** 3.4.33, 3.5.15 and what came before them. */
function hashesTombstones(version = ''): boolean {
  const [major, minor, patch] = version.split('.').map((part) => Number.parseInt(part, 10))
  return major === 3 && (minor < 4 || (minor === 4 && patch <= 33) || (minor === 5 && patch <= 15))
}

function whyNot({ answer }: MemberHash, own: HashKv): string {
  if (!('hash' in answer)) return answer.error
  if (![0, own.revision].includes(answer.hashRevision)) return `it hashed revision ${answer.hashRevision}, not ${own.revision}`
  const at = (revision: number) => (revision < 0 ? 'nothing' : `up to ${revision}`)
  return `it has compacted ${at(answer.compactRevision)}, the snapshot ${at(own.compactRevision)}`
}

const answered = ({ answer }: MemberHash): boolean => 'hash' in answer
const hashOf = ({ answer }: MemberHash): number | undefined => ('hash' in answer ? answer.hash : undefined)

export function nameOf({ name, endpoint, id }: Pick<MemberHash, 'name' | 'endpoint' | 'id'>): string {
  if (name === '') return endpoint ?? id ?? 'a member'
  return endpoint === undefined ? name : `${name} at ${endpoint}`
}

function scopeOf({ answer }: MemberHash): string {
  return 'hash' in answer ? scope({ revision: answer.hashRevision, compactRevision: answer.compactRevision }) : ''
}

function scope({ revision, compactRevision }: Pick<HashKv, 'revision' | 'compactRevision'>): string {
  return `${revision === 0 ? '' : `at revision ${revision}, `}${compactRevision < 0 ? 'never compacted' : `compacted at ${compactRevision}`}`
}
