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
  'replaces what it holds': {
    lie: (store) => {
      let calls = 0
      return {
        async create(name, parts) {
          // Careful while several come at once, but not later.
          if (++calls > 8) await store.remove(name)
          return store.create(name, parts)
        },
      }
    },
    told: /was created twice, so the store replaces what it holds/,
  },
  'replaces, and says that it did not': {
    lie: (store) => ({
      async create(name, parts) {
        const before = await store.read(name)
        if (before === undefined) return store.create(name, parts)
        await new Promise((resolve) => setImmediate(resolve))
        await store.remove(name)
        await store.create(name, parts)
        return 'exists'
      },
    }),
    told: /does not hold what was written|was created twice/,
  },
  'looks before it creates, and then creates': {
    lie: (store) => ({
      async create(name, parts) {
        if ((await store.read(name)) !== undefined) return 'exists'
        await new Promise((resolve) => setImmediate(resolve))
        await store.remove(name)
        return store.create(name, parts)
      },
    }),
    told: /of 8 that create tmp-probe-[0-9a-f]+ at once, 8 are told that it is theirs/,
  },
  'forgets that its reply may have been lost': {
    lie: (store) => ({
      create: async (name, parts) => ((await store.read(name)) === undefined ? store.create(name, parts) : 'exists'),
    }),
    told: /with the bytes that it has is said to be another object/,
  },
  'reads no ranges': { lie: (store) => ({ read: (name) => store.read(name) }), told: /is not read in part/ },
  'keeps nothing': { lie: () => ({ create: async () => 'created' }), told: /8 are told that it is theirs/ },
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
    const code = what === 'may not list' ? 'KPIPE_STORE_FORBIDDEN' : 'KPIPE_STORE_UNSUITABLE'
    await t.rejects(probeStore({ ...honest, ...lie(honest) }), { code, message: told })
    if (what !== 'removes nothing') t.same(await namesIn(honest), [])
  })
}
