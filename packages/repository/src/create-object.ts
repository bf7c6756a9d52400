import { KpipeError } from '@kpipe/engine/contracts'
import type { Store } from '@kpipe/engine/contracts'

/**
 * `create`, asked a second time when the store failed: the first time may have succeeded and only its reply been lost,
 * and equal bytes under the name count as created.
 */
export async function createObject(store: Store, name: string, parts: readonly Uint8Array[]): Promise<'created' | 'exists'> {
  try {
    return await store.create(name, parts)
  } catch (error) {
    if (!(error instanceof KpipeError) || error.code !== 'KPIPE_STORE_FAILED') throw error
    return await store.create(name, parts)
  }
}
