import type { Fact, Facts } from '@kpipe/engine/contracts'

/** What the members said of a snapshot's history, for people; undefined where there are none to ask. */
export function evidenceText({ evidence, evidence_note: note, hash_kv: own, hash_kv_members: members }: Facts): string | undefined {
  if (evidence === 'disputed') return 'disagree on its history'
  if (evidence === 'none') return typeof note === 'string' ? `none confirms its history: ${note}` : 'none confirms its history'
  const hash = hashOf(own)
  if (evidence !== 'agreed' || hash === undefined || !Array.isArray(members)) return undefined
  return `${members.filter((member: Fact) => hashOf(member) === hash).length} of ${members.length} confirm its history`
}

function hashOf(fact: Fact | undefined): Fact | undefined {
  return typeof fact === 'object' && fact !== null && 'hash' in fact ? fact.hash : undefined
}
