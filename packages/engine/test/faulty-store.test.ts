import { test } from 'tap'
import { faultyStore, memoryStore } from '../src/testing/index.ts'
import type { StoreCall, StoreFault } from '../src/testing/index.ts'

const bytes = [Buffer.from('ab'), Buffer.from('c')]
const error = (): Error => new Error('injected')

test('a store in memory keeps the contract of stores', async (t) => {
  const store = memoryStore()
  t.equal(await store.create('b', bytes), 'created')
  t.equal(await store.create('b', [Buffer.from('abc')]), 'created', 'equal bytes')
  t.equal(await store.create('b', [Buffer.from('x')]), 'exists')
  await store.create('a/1', bytes)
  const names: string[] = []
  for await (const object of store.list('')) names.push(`${object.name} ${object.bytes}`)
  t.same(names, ['a/1 3', 'b 3'])
  t.equal(Buffer.from((await store.read('b', { offset: 1, length: 9 }))!).toString(), 'bc')
  const own = (await store.read('b'))!
  own.fill(0)
  t.equal(Buffer.from((await store.read('b'))!).toString(), 'abc', 'what was read is the reader’s own')
  await store.remove('b')
  await store.remove('b')
  t.equal(await store.read('b'), undefined)
})

test('each fault does what it says, and is counted', async (t) => {
  const held = memoryStore()
  const faults: Record<number, StoreFault> = {
    1: { kind: 'fail', error },
    2: { kind: 'lose', error },
    3: { kind: 'exists' },
    6: { kind: 'fail', error },
  }
  const store = faultyStore(held, (call: StoreCall) => faults[call.number])
  await t.rejects(store.create('one', bytes), error())
  t.notOk(held.objects.has('one'), 'a failed create has done nothing')
  await t.rejects(store.create('two', bytes), error())
  t.ok(held.objects.has('two'), 'a lost reply has')
  t.equal(await store.create('three', bytes), 'exists')
  t.notOk(held.objects.has('three'))
  t.equal(await store.create('four', bytes), 'created')
  t.equal((await store.read('four'))?.length, 3)
  await t.rejects(store.list('')[Symbol.asyncIterator]().next(), error())
  t.same(
    store.fired.map(({ number }) => number),
    [1, 2, 3, 6],
  )
  t.equal(store.calls.length, 6)
})

test('a call that hangs never settles', async (t) => {
  const store = faultyStore(memoryStore(), () => ({ kind: 'hang' }))
  const late = new Promise((resolve) => setImmediate(resolve, 'late'))
  t.equal(await Promise.race([store.read('a'), late]), 'late')
  t.equal(store.fired.length, 1)
})
