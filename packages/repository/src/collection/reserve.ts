import { randomBytes } from 'node:crypto'
import { KpipeError } from '@kpipe/engine/contracts'
import type { Store } from '@kpipe/engine/contracts'

const reserveName = 'reserve/0'
const [leastBytes, mostBytes] = [2 ** 16, 16 * 2 ** 20]

/**
 * Makes the object that a collector removes first when the store is full: without room for a log entry nothing could be given
 * back. Only for stores that ask for it, see contracts/store.ts. Resolves with whether it is there or not needed.
 * @param packBytes of all packs: a small repository has a small one
 */
export async function fillReserve(store: Store, packBytes: number): Promise<boolean> {
  if (store.reserve !== true) return true
  const wanted = Math.max(leastBytes, Math.min(mostBytes, Math.ceil(packBytes / 8)))
  const there = await reservedBytes(store)
  if (there * 2 >= wanted) return true
  try {
    // Its repository has grown.
    if (there > 0) await store.remove(reserveName)
    // File systems that compress would keep no room for zeros. `exists`: another process was faster.
    await store.create(reserveName, [randomBytes(wanted)])
    return true
  } catch (error) {
    if (error instanceof KpipeError && error.code === 'KPIPE_STORE_FULL') return false
    throw error
  }
}

async function reservedBytes(store: Store): Promise<number> {
  for await (const { name, bytes } of store.list(reserveName)) if (name === reserveName) return bytes
  return 0
}

/** Runs `work`, and once more without the reserve when the store is full. */
export async function withReserve<Result>(store: Store, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof KpipeError) || error.code !== 'KPIPE_STORE_FULL') throw error
    await store.remove(reserveName)
    return await work()
  }
}
