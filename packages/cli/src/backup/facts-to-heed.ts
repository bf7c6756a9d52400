import type { Facts } from '@kpipe/engine/contracts'

/** Sentences about facts of a snapshot that needs a look although it is made. */
export function factsToHeed({ quorum }: Facts): string[] {
  return quorum === 'lost' ? ['quorum was lost: the snapshot is of the member that had applied most, which may not be all'] : []
}
