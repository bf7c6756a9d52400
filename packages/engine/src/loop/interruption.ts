import { KpipeError } from '../contracts/index.ts'

/**
 * Lets one loop be broken off from outside: by a signal, or by a time limit. The loop awaits through `or` (one wait
 * at a time), so nothing piles up on a promise that lives as long as the stream.
 */
export class Interruption {
  #reason: Error | undefined
  #reject: ((reason: Error) => void) | undefined
  readonly #timers = new Set<NodeJS.Timeout>()
  readonly #signal: AbortSignal
  readonly #onAbort = () => this.interrupt(new KpipeError('KPIPE_INTERRUPTED', 'interrupted'))

  constructor(signal: AbortSignal) {
    this.#signal = signal
    if (signal.aborted) this.#onAbort()
    else signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  interrupt(reason: Error): void {
    this.#reason ??= reason
    this.#reject?.(this.#reason)
  }

  /** The result of `promise`, or the reason of the interruption if that comes first. */
  or<Value>(promise: Promise<Value>): Promise<Value> {
    return new Promise((resolve, reject) => {
      if (this.#reason) {
        promise.catch(() => {}) // The interruption is what the caller hears of; the loop is over.
        reject(this.#reason)
        return
      }
      this.#reject = reject
      promise.then(resolve, reject)
    })
  }

  /** Interrupts after `ms` unless the returned function is called before. */
  after(ms: number, reason: () => Error): () => void {
    const timer = setTimeout(() => this.interrupt(reason()), ms)
    this.#timers.add(timer)
    return () => {
      clearTimeout(timer)
      this.#timers.delete(timer)
    }
  }

  /** Forgets signal and timers. */
  close(): void {
    this.#signal.removeEventListener('abort', this.#onAbort)
    for (const timer of this.#timers) clearTimeout(timer)
  }
}
