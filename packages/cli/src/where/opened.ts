import type { Repository } from '@kpipe/repository'

/** How long a store gets at the end: what is written beside a command only makes later ones faster. */
const settleTimeoutMs = 10_000
const repositories: Pick<Repository, 'settled'>[] = []

/** A repository that may still be written to, beside what was asked for, when the command is done. */
export function noteOpened(repository: Pick<Repository, 'settled'>): void {
  repositories.push(repository)
}

/** Resolves when nothing is written any more, or the store has had its time; the process may end then. */
export async function allSettled(timeoutMs = settleTimeoutMs): Promise<void> {
  const settled = Promise.all(repositories.map((repository) => repository.settled()))
  // It keeps the process alive: a store that hangs may leave nothing else that does.
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<void>((resolve) => (timer = setTimeout(resolve, timeoutMs)))
  await Promise.race([settled, timeout])
  clearTimeout(timer)
}
