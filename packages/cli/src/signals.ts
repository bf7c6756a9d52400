import { KpipeError } from '@kpipe/engine/contracts'
import { leaveFailed } from './leave-failed.ts'

/** Signals closer together than this are one, sent twice: by a launcher that passes on what its whole group got. */
const echoMs = 100

/**
 * The first SIGINT, SIGTERM or SIGHUP aborts the signal that is returned, so that work can end cleanly; the next one
 * ends the process at once.
 */
export function abortOnSignals(say: (text: string) => void): AbortSignal {
  const controller = new AbortController()
  let firstAt = 0
  const onSignal = (name: NodeJS.Signals) => {
    const now = performance.now()
    if (!controller.signal.aborted) {
      firstAt = now
      say('stopping; once more stops at once')
      controller.abort(new KpipeError('KPIPE_INTERRUPTED', `stopped by ${name}`, { signal: name }))
    } else if (now - firstAt >= echoMs) leaveFailed(130)
  }
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, onSignal)
  return controller.signal
}
