import { KpipeError } from '@kpipe/engine/contracts'
import { faultyStore, memoryStore } from '@kpipe/engine/testing'
import type { StoreCall, StoreFault } from '@kpipe/engine/testing'
import { test } from 'tap'
import { codeOf, reopened } from '../made-repository.ts'
import { fault, history, settled } from './collected-history.ts'
import type { History } from './collected-history.ts'
import { prunedNow } from './kept-history.ts'

/** Collects with faults; the error's code, how many calls were made, and what is wrong afterwards. */
async function played(
  past: History,
  decide: (number: number, operation: StoreCall['operation']) => StoreFault | undefined,
): Promise<{ code: string; calls: number; fired: number; problem: string | undefined }> {
  const held = memoryStore([...past.objects])
  let counting = false
  let calls = 0
  const faulty = faultyStore(held, ({ operation }) => (counting ? decide(++calls, operation) : undefined))
  const repository = await reopened(faulty)
  counting = true
  const code = await codeOf(() => prunedNow(repository, { reseal: true }))
  const made = calls
  counting = false
  const problem = (await fault(held, past, [])) ?? (await settled(held)) ?? (await fault(held, past, []))
  return { code, calls: made, fired: faulty.fired.length, problem }
}

test('a crash before any store call of a collection loses nothing, and the next one finishes', async (t) => {
  const past = await history()
  const { calls } = await played(past, () => undefined)
  t.ok(calls > 60, `${calls} calls`)
  for (let crash = 1; crash <= calls; crash++) {
    const { code, fired, problem } = await played(past, (number) => (number >= crash ? { kind: 'fail', error: died } : undefined))
    if (fired === 0 || code !== 'KPIPE_STORE_FORBIDDEN' || problem !== undefined) t.fail(`crash at call ${crash}: ${code} ${problem}`)
  }
})

test('one error at any store call of a collection ends it or is overcome, and loses nothing', async (t) => {
  const past = await history()
  const operations: StoreCall['operation'][] = []
  await played(past, (_, operation) => void operations.push(operation))
  let [overcome, tried] = [0, 0]
  for (const [index, operation] of operations.entries()) {
    for (const error of operation === 'create' ? [died, full] : [died]) {
      for (const kind of ['fail', 'lose'] as const) {
        const { code, fired, problem } = await played(past, (number) => (number === index + 1 ? { kind, error } : undefined))
        tried += 1
        if (code === 'none') overcome += 1
        const isRight = fired === 1 && ['none', error().code].includes(code) && problem === undefined
        if (!isRight) t.fail(`${kind} at call ${index + 1}, ${operation}: ${code} ${problem}`)
      }
    }
  }
  t.ok(overcome > 0 && overcome < tried, `${overcome} of ${tried} were overcome`)
})

function died(): KpipeError {
  return new KpipeError('KPIPE_STORE_FORBIDDEN', 'gone')
}

function full(): KpipeError {
  return new KpipeError('KPIPE_STORE_FULL', 'full')
}
