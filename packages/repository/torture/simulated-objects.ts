import { KpipeError } from '@kpipe/engine/contracts'
import type { Store } from '@kpipe/engine/contracts'
import type { MemoryStore } from '@kpipe/engine/testing'

export interface ObjectCall {
  /** 1 for the first call. */
  readonly number: number
  readonly operation: 'create' | 'read' | 'list' | 'remove'
  readonly name: string
}

/**
 * `timeout`: an error, nothing was done. `lost-reply`: it was done, and then an error. `late`: an error, and it is done some
 * calls later. `conflict`: told as taken, though nothing is there. `own-conflict`: stored, then told as taken, as when a client
 * repeated a request whose reply was lost. `cut-list`: a list that ends with an error after some names.
 */
export const objectFaults = ['timeout', 'lost-reply', 'late', 'conflict', 'own-conflict', 'cut-list'] as const
export type ObjectFault = (typeof objectFaults)[number]

/** Which faults an operation can have. */
export const faultsOf: Readonly<Record<ObjectCall['operation'], readonly ObjectFault[]>> = {
  create: ['timeout', 'lost-reply', 'late', 'conflict', 'own-conflict'],
  read: ['timeout'],
  list: ['timeout', 'cut-list'],
  remove: ['timeout', 'lost-reply', 'late'],
}

const callsUntilLate = 3

/** An object store that keeps its objects in `held`, with the faults that `decide` names. */
export function simulatedObjects(held: MemoryStore, decide: (call: ObjectCall) => ObjectFault | undefined): Store {
  const late: { readonly due: number; readonly work: () => Promise<unknown> }[] = []
  let calls = 0
  const asked = async (operation: ObjectCall['operation'], name: string): Promise<ObjectFault | undefined> => {
    calls += 1
    while (late.length > 0 && late[0].due <= calls) await late.shift()!.work()
    return decide({ number: calls, operation, name })
  }
  const through = async <Result>(fault: ObjectFault | undefined, name: string, work: () => Promise<Result>): Promise<Result> => {
    if (fault === 'late') late.push({ due: calls + callsUntilLate, work })
    if (fault === 'timeout' || fault === 'late') throw failed(name)
    const result = await work()
    if (fault === 'lost-reply') throw failed(name)
    return result
  }
  return {
    location: 'a bucket',
    async create(name, parts) {
      // The caller may use its arrays again.
      const own = parts.map((part) => Uint8Array.from(part))
      const fault = await asked('create', name)
      if (fault === 'conflict') return 'exists'
      const result = await through(fault, name, () => held.create(name, own))
      return fault === 'own-conflict' ? 'exists' : result
    },
    read: async (name, range) => through(await asked('read', name), name, () => held.read(name, range)),
    async *list(prefix, after) {
      const fault = await asked('list', prefix)
      if (fault === 'timeout') throw failed(prefix)
      let left = 1
      for await (const object of held.list(prefix, after)) {
        if (fault === 'cut-list' && left-- === 0) throw failed(prefix)
        yield object
      }
      if (fault === 'cut-list') throw failed(prefix)
    },
    remove: async (name) => through(await asked('remove', name), name, () => held.remove(name)),
  }
}

function failed(name: string): KpipeError {
  return new KpipeError('KPIPE_STORE_FAILED', `${name}: no answer`, { object: name })
}
