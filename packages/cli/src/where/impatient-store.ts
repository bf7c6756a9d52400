import { KpipeError } from '@kpipe/engine/contracts'
import type { Store } from '@kpipe/engine/contracts'

/** A store whose every answer is waited for at most so long. @throws KpipeError KPIPE_STORE_STALLED */
export function impatientStore(store: Store, timeoutMs: number): Store {
  async function within<Value>(operation: string, answer: Promise<Value>): Promise<Value> {
    let timer: NodeJS.Timeout | undefined
    const timeout = new Promise<never>((_resolve, fail) => {
      timer = setTimeout(() => fail(stalled(operation, store.location, timeoutMs)), timeoutMs)
    })
    try {
      return await Promise.race([answer, timeout])
    } finally {
      clearTimeout(timer)
    }
  }
  return {
    location: store.location,
    ...(store.reserve && { reserve: true }),
    create: (name, parts) => within(`create ${name}`, store.create(name, parts)),
    read: (name, range) => within(`read ${name}`, store.read(name, range)),
    async *list(prefix, after) {
      const objects = store.list(prefix, after)[Symbol.asyncIterator]()
      let done = false
      try {
        for (;;) {
          const next = await within(`list ${prefix}`, objects.next())
          done = next.done === true
          if (next.done) return
          yield next.value
        }
      } finally {
        // A listing that hangs cannot be ended either; nobody waits for it.
        if (!done) void objects.return?.()?.catch(() => undefined)
      }
    },
    remove: (name) => within(`remove ${name}`, store.remove(name)),
  }
}

function stalled(operation: string, location: string, timeoutMs: number): KpipeError {
  const text = `${operation} at ${location}: the store made no progress for ${timeoutMs / 1000} s`
  return new KpipeError('KPIPE_STORE_STALLED', text, { location, operation })
}
