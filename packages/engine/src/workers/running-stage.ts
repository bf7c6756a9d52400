import type { StageReference, Task } from './messages.ts'

/**
 * A task with memory of its own in which the worker notes when it began and which stage is at work: a thread that
 * hangs or dies cannot say so any more.
 */
export interface WatchedTask {
  readonly task: Task
  /** When the task began, in milliseconds of `clockMs`, or 0; then the number of the stage in `stagesOf`, from 1, or 0. */
  readonly notes: Float64Array<SharedArrayBuffer>
}

export function watched(task: Task): WatchedTask {
  return { task, notes: new Float64Array(new SharedArrayBuffer(16)) }
}

/** Monotonic, and the same in all threads of a process. */
export function clockMs(): number {
  return performance.timeOrigin + performance.now()
}

/** When a worker began with the task; undefined while it is waiting for one. */
export function begunAtMs({ notes }: WatchedTask): number | undefined {
  return notes[0] === 0 ? undefined : notes[0]
}

/** The stage that was at work last; undefined between stages. */
export function stageAtWork({ task, notes }: WatchedTask): string | undefined {
  return stagesOf(task)[notes[1]! - 1]?.package
}

// A worker runs one task at a time.
let current: WatchedTask | undefined

/** On the worker, before anything else. */
export function begin(watchedTask: WatchedTask): void {
  current = watchedTask
  current.notes[0] = clockMs()
}

/** On the worker: code of this stage runs from now on, or none. */
export function noteStage(reference: StageReference | undefined): void {
  if (!current) return
  const { task, notes } = current
  notes[1] = reference ? stagesOf(task).findIndex(({ url }) => url === reference.url) + 1 : 0
}

function stagesOf(task: Task): readonly StageReference[] {
  switch (task.kind) {
    case 'cut': {
      const { chunk, hash, inspect } = task.recipe
      return inspect ? [chunk, hash, inspect.stage] : [chunk, hash]
    }
    case 'look':
      return [task.inspect]
    case 'encode':
      return task.codecs
    case 'decode':
      return 'hash' in task ? [...task.codecs, task.hash] : task.codecs
    case 'prepare':
      return task.stages
  }
}
