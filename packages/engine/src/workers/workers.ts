import { availableParallelism } from 'node:os'
import { KpipeError } from '../contracts/index.ts'
import type {
  CutResult,
  CutTask,
  DecodeRequest,
  DecodeResult,
  DecodeTask,
  EncodeResult,
  EncodeTask,
  LookResult,
  LookTask,
  StageReference,
  Task,
  TaskFailure,
} from './messages.ts'
import { MovedResults } from './moved-results.ts'
import { begunAtMs, clockMs, stageAtWork, watched, type WatchedTask } from './running-stage.ts'
import { ThreadPool } from './thread-pool.ts'

/** The worker threads of one command. Tasks never wait for each other, so that any number of threads works. */
export interface Workers {
  /** All of them, whether they have been started yet or not. */
  readonly threads: number
  cut(task: CutTask): Promise<CutResult>
  look(task: LookTask): Promise<LookResult>
  /** Moves `task.buffer` away from the caller. */
  encode(task: Omit<EncodeTask, 'ticket'>): Promise<EncodeResult>
  /** Moves `task.bytes` away from the caller. */
  decode(task: DecodeRequest): Promise<DecodeResult>
  /**
   * Lets every thread load these stages; resolves when all have tried. What goes wrong is told by the first task that needs them.
   */
  prepare(stages: readonly StageReference[]): Promise<void>
  /** Starts the threads that were left out to begin with: there is more to do than a few can. */
  grow(): void
  /** Ends the threads at once, whatever they do. */
  close(): Promise<void>
}

const maxThreads = 16
/** A task takes milliseconds; nothing that a stage may do with a segment or a frame takes this long. */
const defaultTaskTimeoutMs = 120_000

export interface WorkersOptions {
  /** Defaults to the processors at hand, at most 16. */
  readonly threads?: number
  /** How many of them are started at once; the others by `grow`. Defaults to all. */
  readonly beginWith?: number
  /** How long a task may take once a thread has begun with it. */
  readonly taskTimeoutMs?: number
}

/**
 * Starts the threads; they load while the caller goes on. A task that takes too long ends all of them, for a thread in
 * an endless loop hears of nothing else; its stage is named, and so is that of a thread that dies.
 */
export function startWorkers(options: WorkersOptions = {}): Workers {
  const { threads = Math.min(maxThreads, availableParallelism()), beginWith = threads, taskTimeoutMs = defaultTaskTimeoutMs } = options
  const moved = new MovedResults()
  const pool = new ThreadPool(beginWith, threads - beginWith, (message) => moved.arrive(message))
  let prepared: readonly StageReference[] = []
  /** Why the threads were ended; tasks that go down with them are told the same. */
  let ended: KpipeError | undefined
  let closed = false

  const run = async <Result>(task: Task, transferList: readonly ArrayBuffer[]): Promise<Result> => {
    const running = watched(task)
    const stopWatching = watch(running, taskTimeoutMs, (tooLong) => {
      ended ??= tooLong
      void pool.destroy()
    })
    try {
      const result = (await pool.run(running, transferList)) as Result | TaskFailure
      if (isFailure(result)) throw asError(result)
      return result
    } catch (error) {
      if (closed || error instanceof KpipeError) throw ended ?? error
      throw ended ?? threadDied(running, error)
    } finally {
      stopWatching()
    }
  }

  const prepare = async (count: number): Promise<void> => {
    await Promise.allSettled(Array.from({ length: count }, () => run({ kind: 'prepare', stages: prepared }, [])))
  }
  const runMoving = async <Result extends object>(task: EncodeTask | DecodeTask, buffer: ArrayBuffer): Promise<Result> => {
    await run(task, [buffer])
    return await moved.take<Result>(task.ticket)
  }

  return {
    threads,
    cut: (task) => run(task, []),
    look: (task) => run(task, []),
    encode: (task) => runMoving({ ...task, ticket: moved.ticket() }, task.buffer),
    decode: (task) => runMoving({ ...task, ticket: moved.ticket() }, task.bytes.buffer),
    prepare(stages) {
      prepared = stages
      return prepare(pool.threads)
    },
    grow() {
      // They have nothing else to do yet, and so the tasks are theirs.
      if (pool.grow()) void prepare(threads - beginWith)
    },
    close() {
      closed = true
      return pool.destroy()
    },
  }
}

/** Calls back when a thread has had the task for `limitMs`; time in the queue does not count. */
function watch(running: WatchedTask, limitMs: number, onTooLong: (error: KpipeError) => void): () => void {
  const check = () => {
    const begun = begunAtMs(running)
    const leftMs = begun === undefined ? limitMs : begun + limitMs - clockMs()
    if (leftMs > 0) timer = setTimeout(check, Math.ceil(leftMs))
    else onTooLong(tookTooLong(running, limitMs))
  }
  let timer = setTimeout(check, limitMs)
  return () => clearTimeout(timer)
}

function tookTooLong(running: WatchedTask, limitMs: number): KpipeError {
  const stage = stageAtWork(running)
  const who = stage === undefined ? `a worker` : `stage ${stage}`
  const took = `${who} did not finish within ${limitMs / 1000} s`
  return new KpipeError('KPIPE_STAGE_FAILED', `${took} what takes milliseconds`, { stage, limitMs })
}

function threadDied(running: WatchedTask, error: unknown): KpipeError {
  const stage = stageAtWork(running)
  const reason = error instanceof Error ? error.message : String(error)
  const who = stage === undefined ? 'a worker thread ended' : `stage ${stage} ended its worker thread`
  return new KpipeError('KPIPE_STAGE_FAILED', `${who}: ${reason}`, { stage }, { cause: error })
}

function isFailure(result: unknown): result is TaskFailure {
  return typeof result === 'object' && result !== null && 'failure' in result
}

function asError({ failure }: TaskFailure): KpipeError {
  const error = new KpipeError(failure.code, failure.message, failure.details)
  if (failure.stack) error.stack = failure.stack
  return error
}
