import { KpipeError } from '@kpipe/engine/contracts'
import type { Store } from '@kpipe/engine/contracts'
import { memoryStore } from '@kpipe/engine/testing'
import { test } from 'tap'
import { probeStore } from '../../src/plan/probe-store.ts'

async function namesIn(store: Store): Promise<string[]> {
  const names: string[] = []
  for await (const { name } of store.list('')) names.push(name)
  return names
}

test('a good store passes and holds what it held before', async (t) => {
  const store = memoryStore()
  await store.create('log/1', [new Uint8Array(1)])
  await probeStore(store)
  t.same(await namesIn(store), ['log/1'])
})

/** Stores that lie in one way, and what is told of each. */
const liars: Record<string, { readonly lie: (store: Store) => Partial<Store>; readonly told: RegExp }> = {
  'says that new names exist': { lie: () => ({ create: async () => 'exists' }), told: /a new name, .* is said to exist/ },
  'keeps nothing': { lie: () => ({ create: async () => 'created' }), told: /does not hold what was written/ },
  'gives other bytes': { lie: () => ({ read: async () => new Uint8Array(64) }), told: /does not hold what was written/ },
  'lists nothing': { lie: () => ({ async *list() {} }), told: /is not listed/ },
  'lists other sizes': {
    lie: (store) => ({
      async *list(prefix) {
        for await (const { name } of store.list(prefix)) yield { name, bytes: 0 }
      },
    }),
    told: /is not listed/,
  },
  'removes nothing': { lie: () => ({ remove: async () => {} }), told: /was removed and is still there/ },
  'may not list': {
    lie: () => ({
      // oxlint-disable-next-line require-yield
      async *list() {
        throw new KpipeError('KPIPE_STORE_FORBIDDEN', 'may not list')
      },
    }),
    told: /may not list/,
  },
}

for (const [what, { lie, told }] of Object.entries(liars)) {
  test(`a store that ${what} is found out, and nothing is left in it`, async (t) => {
    const honest = memoryStore()
    await t.rejects(probeStore({ ...honest, ...lie(honest) }), { message: told })
    if (what !== 'removes nothing') t.same(await namesIn(honest), [])
  })
}
