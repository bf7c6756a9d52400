import type { Facts } from '@kpipe/engine/contracts'

/** Sentences about facts of a snapshot that needs a look although it is made. */
export function factsToHeed({ quorum, evidence, evidence_note: note }: Facts): string[] {
  const lost = 'quorum was lost: the snapshot is of the member that had applied most, which may not be all'
  const disputed = `members disagree, so the snapshot is marked as disputed and latest passes over it: ${String(note)}`
  return [...(quorum === 'lost' ? [lost] : []), ...(evidence === 'disputed' ? [disputed] : [])]
}
