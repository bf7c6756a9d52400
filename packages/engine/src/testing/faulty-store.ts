import type { Store } from '../contracts/index.ts'

export interface StoreCall {
  readonly operation: 'create' | 'read' | 'list' | 'remove'
  /** Name, or prefix of a list. */
  readonly name: string
  /** 1 for the first call of the store. */
  readonly number: number
}

/**
 * What happens to a call: `fail` throws before anything is done, `lose` does it and then throws, `exists` answers a create
 * without doing it, `hang` never settles.
 */
export type StoreFault =
  { readonly kind: 'fail' | 'lose'; readonly error: () => Error } | { readonly kind: 'exists' } | { readonly kind: 'hang' }

export interface FaultyStore extends Store {
  /** Calls so far. */
  readonly calls: readonly StoreCall[]
  /** Faults that fired: a test asserts that its fault is among them. */
  readonly fired: readonly StoreCall[]
}

/** Hands calls on to `store`, with the faults that `decide` names. */
export function faultyStore(store: Store, decide: (call: StoreCall) => StoreFault | undefined): FaultyStore {
  const calls: StoreCall[] = []
  const fired: StoreCall[] = []
  const faultOf = (operation: StoreCall['operation'], name: string): StoreFault | undefined => {
    const call = { operation, name, number: calls.length + 1 }
    calls.push(call)
    const fault = decide(call)
    if (fault !== undefined) fired.push(call)
    return fault
  }
  const through = async <Result>(fault: StoreFault | undefined, work: () => Promise<Result>): Promise<Result> => {
    if (fault?.kind === 'fail') throw fault.error()
    if (fault?.kind === 'hang') return new Promise(() => undefined)
    const result = await work()
    if (fault?.kind === 'lose') throw fault.error()
    return result
  }
  return {
    location: store.location,
    ...(store.reserve && { reserve: true }),
    calls,
    fired,
    async create(name, parts) {
      const fault = faultOf('create', name)
      return fault?.kind === 'exists' ? 'exists' : through(fault, () => store.create(name, parts))
    },
    read: async (name, range) => through(faultOf('read', name), () => store.read(name, range)),
    async *list(prefix, after) {
      await through(faultOf('list', prefix), async () => undefined)
      yield* store.list(prefix, after)
    },
    remove: async (name) => through(faultOf('remove', name), () => store.remove(name)),
  }
}
