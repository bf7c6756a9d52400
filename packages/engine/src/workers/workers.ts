import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { Piscina } from 'piscina'
import { KpipeError } from '../contracts/index.ts'
import type {
  CutResult,
  CutTask,
  DecodeResult,
  DecodeTask,
  EncodeResult,
  EncodeTask,
  LookResult,
  LookTask,
  Task,
  TaskFailure,
} from './messages.ts'
import { workerUrl } from './worker-url.ts'

/** The worker threads of one command. Tasks never wait for each other, so that any number of threads works. */
export interface Workers {
  readonly threads: number
  cut(task: CutTask): Promise<CutResult>
  look(task: LookTask): Promise<LookResult>
  /** Moves `task.buffer` away from the caller. */
  encode(task: EncodeTask): Promise<EncodeResult>
  /** Moves `task.bytes` away from the caller. */
  decode(task: DecodeTask): Promise<DecodeResult>
  /** Ends the threads at once, whatever they do. */
  close(): Promise<void>
}

const maxThreads = 16

/** Starts the threads; they load while the caller goes on. `threads` defaults to the processors at hand, at most 16. */
export function startWorkers(options: { readonly threads?: number } = {}): Workers {
  const threads = options.threads ?? Math.min(maxThreads, availableParallelism())
  const pool = new Piscina({
    filename: fileURLToPath(workerUrl),
    minThreads: threads,
    maxThreads: threads,
    idleTimeout: Number.POSITIVE_INFINITY,
    recordTiming: false,
    // Source files name each other under a condition of the workspace that a worker does not inherit.
    execArgv: workerUrl.endsWith('.ts') ? [...process.execArgv, '--conditions=kpipe-source'] : process.execArgv,
  })

  const run = async <Result>(task: Task, transferList: readonly ArrayBuffer[]): Promise<Result> => {
    const result = (await pool.run(task, { transferList: transferList as never /* its type is the DOM's */ })) as Result | TaskFailure
    if (isFailure(result)) throw asError(result)
    return result
  }

  return {
    threads,
    cut: (task) => run(task, []),
    look: (task) => run(task, []),
    encode: (task) => run(task, [task.buffer]),
    decode: (task) => run(task, [task.bytes.buffer]),
    close: () => pool.destroy(),
  }
}

function isFailure(result: unknown): result is TaskFailure {
  return typeof result === 'object' && result !== null && 'failure' in result
}

function asError({ failure }: TaskFailure): KpipeError {
  const error = new KpipeError(failure.code, failure.message, failure.details)
  if (failure.stack) error.stack = failure.stack
  return error
}
