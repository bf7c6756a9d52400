import type { Facts } from '@kpipe/engine/contracts'

/** Why a snapshot with these facts is not to be taken unasked: members of its cluster have different histories. */
export function doubtOf({ evidence, evidence_note: note }: Facts): string | undefined {
  if (evidence !== 'disputed') return undefined
  return typeof note === 'string' ? `disputed: ${note}` : 'disputed'
}
