import type { Store } from '@kpipe/engine/contracts'
import { checkpointPrefix } from './checkpoint.ts'

/** Numbers of the entries that the store has checkpoints of, newest first. What else lies there is none. */
export async function listCheckpoints(store: Store): Promise<number[]> {
  const numbers: number[] = []
  for await (const { name } of store.list(checkpointPrefix)) {
    const digits = name.slice(checkpointPrefix.length)
    if (/^\d{20}$/.test(digits) && Number.isSafeInteger(Number(digits))) numbers.push(Number(digits))
  }
  return numbers.toReversed()
}
