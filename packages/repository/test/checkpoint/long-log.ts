import type { Store } from '@kpipe/engine/contracts'
import { checkpointName, encodeCheckpoint } from '../../src/checkpoint/checkpoint.ts'
import { keyRing } from '../../src/keys/key-ring.ts'
import type { KeyRing } from '../../src/keys/key-ring.ts'
import { openSlots } from '../../src/keys/open-slots.ts'
import { Log, readGenesis } from '../../src/log/log.ts'
import type { LogOptions } from '../../src/log/log.ts'
import type { Payload } from '../../src/log/payload.ts'
import type { LogState } from '../../src/log/state.ts'
import { decodeMarker } from '../../src/marker.ts'
import { keyFile } from '../made-repository.ts'

export interface OpenedLog {
  readonly ring: KeyRing
  readonly log: Log
}

/** The log alone, read from entry 0 with the keys of all epochs. */
export async function openLog(store: Store, options: LogOptions = {}): Promise<OpenedLog> {
  const { repositoryId } = decodeMarker((await store.read('repository'))!, 'memory')
  const ring = keyRing(repositoryId, (await openSlots(store, repositoryId, keyFile)).bundles)
  const log = new Log(store, ring, await readGenesis(store, ring), options)
  await log.refresh()
  return { ring, log }
}

/** Appends entries without effect until the head is n. */
export async function fillTo(store: Store, n: number): Promise<OpenedLog> {
  const opened = await openLog(store)
  while (opened.log.state.head.n < n) await opened.log.append(nothing)
  return opened
}

export const nothing: Payload = { kind: 'ABORT', time: 0, writer: Buffer.alloc(8), reason: 'nothing was under way' }

/** Writes the checkpoint of a state, whoever may ask for it. */
export async function putCheckpoint(store: Store, ring: KeyRing, state: LogState): Promise<void> {
  const { digest } = await readGenesis(store, ring)
  await store.create(checkpointName(state.head.n), [await encodeCheckpoint(ring, digest, state)])
}

/** The same store, counting what is read of it. */
export function countingStore<Kind extends Store>(store: Kind): Kind & { readonly reads: string[] } {
  const reads: string[] = []
  return {
    ...store,
    reads,
    read: (name: string, range?: { offset: number; length: number }) => (reads.push(name), store.read(name, range)),
  }
}
