import { fileURLToPath } from 'node:url'
import { Piscina } from 'piscina'
import type { MovedResult } from './messages.ts'
import type { WatchedTask } from './running-stage.ts'
import { workerUrl } from './worker-url.ts'

/**
 * Threads of which some are started only when there is more work than the first ones can do. Each is a pool of its own: one pool would
 * give all its tasks to the thread that happens to be there first.
 */
export class ThreadPool {
  readonly #onMessage: (message: MovedResult) => void
  readonly #threads: { readonly pool: Piscina; pending: number }[] = []
  #waiting: number
  #ended = false

  /** @param first threads to begin with @param waiting threads that `grow` adds */
  constructor(first: number, waiting: number, onMessage: (message: MovedResult) => void) {
    this.#onMessage = onMessage
    this.#waiting = waiting
    for (let thread = 0; thread < first; thread++) this.#start()
  }

  /** Threads that were started. */
  get threads(): number {
    return this.#threads.length
  }

  /** Starts the threads that wait; true for the call that did. */
  grow(): boolean {
    const more = this.#waiting
    this.#waiting = 0
    for (let thread = 0; thread < more; thread++) this.#start()
    return more > 0
  }

  /** Gives the task to the thread that has the least to do. */
  async run(task: WatchedTask, transferList: readonly ArrayBuffer[]): Promise<unknown> {
    const thread = this.#threads.reduce((least, other) => (other.pending < least.pending ? other : least))
    thread.pending++
    try {
      return await thread.pool.run(task, { transferList: transferList as never /* its type is the DOM's */ })
    } finally {
      thread.pending--
    }
  }

  async destroy(): Promise<void> {
    this.#waiting = 0
    this.#ended = true
    await Promise.all(this.#threads.map(({ pool }) => pool.destroy()))
  }

  #start(): void {
    const pool = new Piscina({
      filename: fileURLToPath(workerUrl),
      minThreads: 1,
      maxThreads: 1,
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
    this.#threads.push({ pool, pending: 0 })
  }
}
