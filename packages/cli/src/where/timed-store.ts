import type { Store } from '@kpipe/engine/contracts'

let seconds = 0

/** Seconds for which objects were on their way into stores of `timedStore`, summed: several may be at a time, and beside other work. */
export function storeSeconds(): number {
  return seconds
}

/** The same store, its `create` measured. */
export function timedStore(store: Store): Store {
  return {
    ...store,
    async create(name, parts) {
      const began = performance.now()
      try {
        return await store.create(name, parts)
      } finally {
        seconds += (performance.now() - began) / 1000
      }
    },
  }
}
