import { missingHistory } from '@kpipe/repository'
import type { Repository } from '@kpipe/repository'
import type { Terminal } from '../terminal.ts'

/** Reading goes on when a history is older than remembered or has a gap; it is said, and the exit code is 3. */
export function tellRollback({ rollback, lost, location }: Repository, terminal: Terminal): number {
  // What is lost was said when the repository was opened.
  if (rollback === undefined) return lost.length > 0 ? 3 : 0
  const seen = `it reached ${rollback.remembered} and now ends at ${rollback.seen}`
  terminal.warn(`the history in ${location} is older than remembered: ${seen}; ${missingHistory(rollback)}`)
  return 3
}
