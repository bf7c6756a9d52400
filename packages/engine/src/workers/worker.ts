import { parentPort } from 'node:worker_threads'
import { KpipeError } from '../contracts/index.ts'
import { cut, look } from './cut.ts'
import { decode, encode } from './frames.ts'
import type { MovedResult, PrepareTask, TaskFailure } from './messages.ts'
import { blaming } from './opened-stages.ts'
import { begin, type WatchedTask } from './running-stage.ts'

let last: Promise<unknown> = Promise.resolve()

/**
 * Runs one task after the other, though the next one is here already: a thread that had to wait for it after each would be idle for a
 * quarter of the time.
 */
export default function runInTurn(watchedTask: WatchedTask): Promise<unknown> {
  return (last = last.then(() => runTask(watchedTask)))
}

/** A function of its message: stages that were opened before are only a cache. */
async function runTask(watchedTask: WatchedTask): Promise<unknown> {
  begin(watchedTask)
  const { task } = watchedTask
  try {
    switch (task.kind) {
      case 'prepare':
        return await prepare(task)
      case 'cut':
        return await cut(task)
      case 'look':
        return await look(task)
      case 'encode': {
        const result = await encode(task)
        return sendMoved(task.ticket, result, result.buffer ? [result.bytes.buffer, result.buffer] : [result.bytes.buffer])
      }
      case 'decode': {
        const result = await decode(task)
        return sendMoved(task.ticket, result, [result.bytes.buffer])
      }
    }
  } catch (error) {
    return failure(error)
  }
}

async function prepare(task: PrepareTask): Promise<void> {
  for (const reference of task.stages) await blaming(reference, () => import(reference.url))
}

/**
 * Sends a result beside the task's answer, which says only that it was sent. Piscina moves buffers by a function of the
 * main thread's module, and loading that costs 2.4 MiB a thread.
 */
function sendMoved(ticket: number, result: object, buffers: readonly ArrayBuffer[]): { readonly sent: true } {
  const moved: MovedResult = { ticket, result }
  parentPort!.postMessage(moved, [...buffers])
  return { sent: true }
}

function failure(error: unknown): TaskFailure {
  const stack = stackWithCauses(error)
  if (error instanceof KpipeError) return { failure: { code: error.code, message: error.message, details: error.details, stack } }
  const message = error instanceof Error ? error.message : String(error)
  return { failure: { code: 'KPIPE_INTERNAL', message, details: {}, stack } }
}

/** Causes stay behind in the thread; what they tell of where it happened goes with the stack. */
function stackWithCauses(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const cause = stackWithCauses(error.cause)
  return cause === undefined ? error.stack : `${error.stack}\ncaused by ${cause}`
}
