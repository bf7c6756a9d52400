import { availableParallelism } from 'node:os'
import type { Workers } from '@kpipe/engine'

let started: Promise<Workers> | undefined

/** To begin with: a thread takes 50 ms of a processor to start, and an hour's backup gives two beside this one enough to do. */
export type ThreadsToBeginWith = 'few' | 'all'

const few = Math.max(1, Math.min(2, availableParallelism() - 1))

/**
 * The worker threads of this process. They start slowly, so that a command which needs them has them started before
 * its arguments are parsed.
 */
export function threads(toBeginWith: ThreadsToBeginWith = 'all'): Promise<Workers> {
  const options = toBeginWith === 'few' ? { beginWith: few } : {}
  return (started ??= import('@kpipe/engine').then(({ startWorkers }) => startWorkers(options)))
}

/** Ends the threads while the caller goes on; the next who asks has new ones started. */
export function endThreads(): void {
  void started?.then((workers) => workers.close())
  started = undefined
}
