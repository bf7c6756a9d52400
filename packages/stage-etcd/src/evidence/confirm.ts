import { setTimeout as delay } from 'node:timers/promises'
import type { HashKv } from '@kpipe/bolt'
import { KpipeError, type Fact, type Facts } from '@kpipe/engine/contracts'
import type { Hashes, MemberHash } from './ask-hashes.ts'
import { judge, mayCatchUp, type Verdict } from './judge.ts'

/** A follower that lags hears of what it misses with the next heartbeat, which comes every 100 ms. */
const catchUpMs = 250

export interface ConfirmOptions {
  readonly isRequired: boolean
  readonly signal: AbortSignal
  /** For who asks for more. */
  explain?(message: string): void
}

/**
 * What the members say of the history that the snapshot holds, as facts.
 * @param facts those of the inspector among them: `hash_kv`
 * @throws KpipeError KPIPE_EVIDENCE_MISSING when members have to agree and do not; or the signal's reason
 */
export async function confirmHistory(facts: Facts, hashes: Hashes, options: ConfirmOptions): Promise<Facts> {
  const { isRequired, signal } = options
  const own = ownHashKv(facts['hash_kv'])
  const members = own === undefined ? [] : await askTwice(own, hashes, signal)
  signal.throwIfAborted()
  const verdict: Verdict = own === undefined ? { evidence: 'none', note: 'HashKV of the snapshot is not known' } : judge(own, members)
  const { evidence, note } = verdict
  options.explain?.(`evidence: ${evidence}${note === '' ? '' : `: ${note}`}`)
  if (isRequired && evidence !== 'agreed') {
    const seen = evidence === 'disputed' ? 'the members of etcd disagree' : 'no member of etcd confirms the snapshot'
    throw new KpipeError('KPIPE_EVIDENCE_MISSING', `${seen}: ${note}`, { evidence })
  }
  return { evidence, evidence_note: note === '' ? null : note, hash_kv_members: members.map(memberFact) }
}

async function askTwice(own: HashKv, hashes: Hashes, signal: AbortSignal): Promise<readonly MemberHash[]> {
  const answers = await hashes.at(own.revision)
  if (!answers.some((member) => mayCatchUp(member, own))) return answers
  await delay(catchUpMs, undefined, { signal }).catch(() => signal.throwIfAborted())
  return hashes.again(answers, own.revision, (member) => mayCatchUp(member, own))
}

function memberFact({ id, name, endpoint, answer }: MemberHash): Fact {
  const told = 'hash' in answer ? answer : undefined
  return {
    id: id ?? null,
    name: name === '' ? null : name,
    endpoint: endpoint ?? null,
    hash: told?.hash ?? null,
    hash_revision: told === undefined || told.hashRevision === 0 ? null : told.hashRevision,
    compact_revision: told?.compactRevision ?? null,
    error: 'error' in answer ? answer.error : null,
  }
}

/** What an inspector found; undefined when it found nothing, or there is none. */
function ownHashKv(fact: Fact | undefined): HashKv | undefined {
  if (typeof fact !== 'object' || fact === null || Array.isArray(fact)) return undefined
  const { hash, hash_revision: revision, compact_revision: compactRevision, hash_before_3_5_16: hashBefore } = fact as Facts
  if (typeof hash !== 'number' || typeof revision !== 'number' || typeof compactRevision !== 'number') return undefined
  return { hash, revision, compactRevision, ...(typeof hashBefore === 'number' && { hashBefore }) }
}
