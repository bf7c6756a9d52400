import type { Repository } from '@kpipe/repository'
import type { Terminal } from '../terminal.ts'

/** Reading goes on when a history is older than remembered; it is said, and the exit code is 3. */
export function tellRollback({ rollback, location }: Repository, terminal: Terminal): number {
  if (rollback === undefined) return 0
  terminal.warn(`the history in ${location} is older than remembered: it reached ${rollback.remembered} and now ends at ${rollback.seen}`)
  return 3
}
