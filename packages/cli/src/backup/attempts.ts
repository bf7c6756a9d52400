import { setTimeout as delay } from 'node:timers/promises'
import type { Retry } from '@kpipe/engine'
import { describeFailure } from '../failure.ts'

/** Exit codes of what may be over after a while: the source failed, or the store. */
const worthRetrying = [69, 75]

/**
 * Calls `attempt` until it succeeds, fails for another reason than source or store, or has failed as often as it may.
 * The last failure is thrown; those before are told with what comes next.
 */
export async function inAttempts<Result>(
  { attempts, delayMs }: Retry,
  signal: AbortSignal,
  tell: (sentence: string) => void,
  attempt: (count: number) => Promise<Result>,
): Promise<Result> {
  for (let count = 1; ; count++) {
    try {
      return await attempt(count)
    } catch (error) {
      signal.throwIfAborted()
      // A stage that is not of kpipe itself may throw errors of its own copy of the class.
      const { exitCode, message } = describeFailure(error)
      if (!worthRetrying.includes(exitCode) || count >= attempts) throw error
      tell(`attempt ${count} of ${attempts} failed: ${message}; the next one begins in ${delayMs / 1000} s`)
      await waited(delayMs, signal)
    }
  }
}

/** @throws the reason of the signal as soon as it is aborted */
async function waited(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined)
  signal.throwIfAborted()
}
