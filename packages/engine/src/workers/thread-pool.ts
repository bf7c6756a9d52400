import { fileURLToPath } from 'node:url'
import { Piscina } from 'piscina'
import type { MovedResult } from './messages.ts'
import type { WatchedTask } from './running-stage.ts'
import { workerUrl } from './worker-url.ts'

/** Threads of which some are started only when there is more work than the first ones can do. */
export class ThreadPool {
  readonly #onMessage: (message: MovedResult) => void
  readonly #parts: { readonly pool: Piscina; readonly threads: number; pending: number }[] = []
  #waiting: number
  #ended = false

  /** @param first threads to begin with @param waiting threads that `grow` adds */
  constructor(first: number, waiting: number, onMessage: (message: MovedResult) => void) {
    this.#onMessage = onMessage
    this.#waiting = waiting
    this.#start(first)
  }

  /** Threads that were started. */
  get threads(): number {
    return this.#parts.reduce((sum, { threads }) => sum + threads, 0)
  }

  /** Starts the threads that wait; true for the call that did. */
  grow(): boolean {
    const more = this.#waiting
    this.#waiting = 0
    if (more > 0) this.#start(more)
    return more > 0
  }

  /** Gives the task to the threads that have the least to do. */
  async run(task: WatchedTask, transferList: readonly ArrayBuffer[]): Promise<unknown> {
    const part = this.#parts.reduce((least, other) => (other.pending / other.threads < least.pending / least.threads ? other : least))
    part.pending++
    try {
      return await part.pool.run(task, { transferList: transferList as never /* its type is the DOM's */ })
    } finally {
      part.pending--
    }
  }

  async destroy(): Promise<void> {
    this.#waiting = 0
    this.#ended = true
    await Promise.all(this.#parts.map(({ pool }) => pool.destroy()))
  }

  #start(threads: number): void {
    const pool = new Piscina({
      filename: fileURLToPath(workerUrl),
      minThreads: threads,
      maxThreads: threads,
      // One at work, the others waiting: this thread is often too busy with its own work to hand over the next one in time.
      concurrentTasksPerWorker: 8,
      idleTimeout: Number.POSITIVE_INFINITY,
      recordTiming: false,
      // Tags and looks are short-lived: a small nursery saves some 8 MiB a thread and costs no time that could be measured.
      resourceLimits: { maxYoungGenerationSizeMb: 2 },
      // Source files name each other under a condition of the workspace. Other flags of the process may be no flags of a worker.
      execArgv: workerUrl.endsWith('.ts') ? ['--conditions=kpipe-source'] : [],
    })
    pool.on('message', this.#onMessage)
    pool.on('error', (error) => {
      // The answer of a thread that was ended may be on its way; the pool does not know its task any more.
      if (!this.#ended) throw error
    })
    this.#parts.push({ pool, threads, pending: 0 })
  }
}
