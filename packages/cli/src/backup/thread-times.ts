import { readdirSync, readFileSync } from 'node:fs'

/** What a thread of this process did since it began; seconds. */
export interface ThreadTime {
  readonly thread: string
  /** On a processor. */
  readonly busy: number
  /** Ready to run while other threads had the processors. */
  readonly delayed: number
  /** Waiting for something; undefined where it is the sum of several threads. */
  readonly idle: number | undefined
}

/** The main thread, each worker thread, and node's own together; nothing where the system does not tell (Linux does, in /proc). */
export function threadTimes(): ThreadTime[] {
  try {
    return sorted(readdirSync('/proc/self/task').map(Number))
  } catch {
    return []
  }
}

function sorted(ids: readonly number[]): ThreadTime[] {
  const began = startTicks(process.pid)
  const rest = { thread: "node's other threads", busy: 0, delayed: 0, idle: undefined }
  const own: ThreadTime[] = []
  for (const id of ids.toSorted((a, b) => a - b)) {
    const [busy, delayed] = textOf(id, 'schedstat')
      .split(' ')
      .map((nanoseconds) => Number(nanoseconds) / 1e9) as [number, number]
    const isWorker = textOf(id, 'comm').startsWith('WorkerThread')
    if (id !== process.pid && !isWorker) {
      rest.busy += busy
      rest.delayed += delayed
      continue
    }
    const alive = performance.now() / 1000 - (startTicks(id) - began) / ticksPerSecond
    own.push({ thread: isWorker ? `worker ${own.length}` : 'main', busy, delayed, idle: Math.max(0, alive - busy - delayed) })
  }
  return [...own, rest]
}

const ticksPerSecond = 100

/** When a thread began: field 22 of its stat, in clock ticks since the machine did. */
function startTicks(id: number): number {
  const stat = textOf(id, 'stat')
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19])
}

function textOf(id: number, file: string): string {
  return readFileSync(`/proc/self/task/${id}/${file}`, 'utf8').trim()
}
