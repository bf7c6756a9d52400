import { memoryStore } from '@kpipe/engine/testing'
import { test } from 'tap'
import { fillReserve } from '../../src/index.ts'

test('a store that may run full has a reserve that grows with its packs', async (t) => {
  const store = { ...memoryStore(), reserve: true }
  const sizes: (number | undefined)[] = []
  for (const packBytes of [0, 2 ** 19, 2 ** 20, 2 ** 24, 2 ** 24 + 1, 2 ** 40]) {
    t.ok(await fillReserve(store, packBytes))
    sizes.push(store.objects.get('reserve/0')?.length)
  }
  t.same(sizes, [2 ** 16, 2 ** 16, 2 ** 16, 2 ** 21, 2 ** 21, 2 ** 24])
})

test('a store that does not ask for one has none', async (t) => {
  const store = memoryStore()
  t.ok(await fillReserve(store, 2 ** 30))
  t.equal(store.objects.size, 0)
})
