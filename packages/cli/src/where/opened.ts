import type { Repository } from '@kpipe/repository'

const repositories: Pick<Repository, 'settled'>[] = []

/** A repository that may still be written to, beside what was asked for, when the command is done. */
export function noteOpened(repository: Pick<Repository, 'settled'>): void {
  repositories.push(repository)
}

/** Resolves when nothing is written any more; the process may end then. */
export async function allSettled(): Promise<void> {
  await Promise.all(repositories.map((repository) => repository.settled()))
}
