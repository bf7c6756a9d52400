import { stageFailure } from './stage-failure.ts'

/** Methods whose result has methods of the stage's own: streams, stores, targets, collectors. */
const opening = new Set(['open', 'collect'])

/**
 * The stage, with its name in whatever its code throws on the main thread. Workers do the same with the parts that run
 * there. Data that a stage returns is left as it is, for it may go on to another thread.
 */
export function blamedStage<Stage extends object>(stage: Stage, name: string): Stage {
  return new Proxy(stage, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target)
      if (typeof value !== 'function') return value
      const wrap = (result: unknown) => (opening.has(String(property)) && isObject(result) ? blamedStage(result, name) : result)
      return (...words: unknown[]): unknown => {
        try {
          const result: unknown = Reflect.apply(value, target, words)
          if (result instanceof Promise) return result.then(wrap, (error: unknown) => refuse(name, error))
          return isIterable(result) ? blamedPieces(result, name) : wrap(result)
        } catch (error) {
          return refuse(name, error)
        }
      }
    },
  })
}

async function* blamedPieces(pieces: AsyncIterable<unknown>, name: string): AsyncGenerator<unknown> {
  const iterator = pieces[Symbol.asyncIterator]()
  let done = false
  try {
    for (;;) {
      const next = await iterator.next().catch((error: unknown) => {
        done = true
        return refuse(name, error)
      })
      done = next.done === true
      if (done) return
      yield next.value
    }
  } finally {
    // Whoever stops early lets the stage clean up.
    if (!done) await iterator.return?.()
  }
}

function refuse(name: string, error: unknown): never {
  throw stageFailure(name, error)
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function isIterable(value: unknown): value is AsyncIterable<unknown> {
  return isObject(value) && Symbol.asyncIterator in value
}
