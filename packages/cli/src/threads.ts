import type { Workers } from '@kpipe/engine'

let started: Promise<Workers> | undefined

/**
 * The worker threads of this process. They start slowly, so that a command which needs them has them started before
 * its arguments are parsed.
 */
export function threads(): Promise<Workers> {
  return (started ??= import('@kpipe/engine').then(({ startWorkers }) => startWorkers()))
}

/** Ends the threads while the caller goes on; the next who asks has new ones started. */
export function endThreads(): void {
  void started?.then((workers) => workers.close())
  started = undefined
}
