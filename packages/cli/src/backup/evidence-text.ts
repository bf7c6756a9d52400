import type { Facts } from '@kpipe/engine/contracts'

/** What the members said of a snapshot's history, for people; undefined where there are none to ask. */
export function evidenceText({ evidence, evidence_note: note, hash_kv: own, hash_kv_members: members }: Facts): string | undefined {
  if (evidence === 'disputed') return 'disagree on its history'
  if (evidence === 'none') return typeof note === 'string' ? `none confirms its history: ${note}` : 'none confirms its history'
  if (evidence !== 'agreed' || !Array.isArray(members)) return undefined
  const hashes = members.map((member: Facts) => member['hash'])
  const { hash } = own as Facts
  return `${hashes.filter((one) => one === hash).length} of ${hashes.length} confirm its history`
}
