import { KpipeError } from '@kpipe/engine/contracts'
import { faultyStore, memoryStore } from '@kpipe/engine/testing'
import { test } from 'tap'
import { initRepository, newRecoveryPhrase } from '../src/index.ts'
import { codeOf, keyFile, madeRepository, noise, reopened } from './made-repository.ts'
import { backUp, restore } from './paged-backup.ts'

const options = { keyFile, recoveryPhrase: undefined, tagAlgorithm: 'sha256' }

test('the marker is made last, after slots and GENESIS', async (t) => {
  const store = faultyStore(memoryStore(), () => undefined)
  await initRepository({ ...options, store, recoveryPhrase: newRecoveryPhrase() })
  const created = store.calls.filter(({ operation }) => operation === 'create').map(({ name }) => name.split('/')[0])
  t.same(created, ['keys', 'keys', 'log', 'repository'])
})

test('an existing repository is refused and not changed', async (t) => {
  const { store } = await madeRepository()
  const before = new Map(store.objects)
  t.equal(await codeOf(() => initRepository({ ...options, store })), 'KPIPE_REPOSITORY_EXISTS')
  t.same(store.objects, before)
})

test('an init that died at any object is made anew by the next', async (t) => {
  for (const nth of [1, 2, 3, 4]) {
    const held = memoryStore()
    let creates = 0
    const dying = faultyStore(held, ({ operation }) =>
      operation === 'create' && ++creates === nth ? { kind: 'fail', error: () => new KpipeError('KPIPE_STORE_FULL', 'full') } : undefined,
    )
    t.equal(await codeOf(() => initRepository({ ...options, store: dying, recoveryPhrase: newRecoveryPhrase() })), 'KPIPE_STORE_FULL')
    t.equal(dying.fired.length, 1)
    t.equal(await codeOf(() => reopened(held)), 'KPIPE_NO_REPOSITORY')
    const phrase = newRecoveryPhrase()
    const { resumed } = await initRepository({ ...options, store: held, recoveryPhrase: phrase })
    t.equal(resumed, nth > 1)
    t.equal(held.objects.size, 4, 'nothing of the dead init is left')
    const repository = await reopened(held, { secret: { kind: 'recovery-phrase', phrase } })
    const bytes = noise(100, 'init')
    const { snapshot } = await backUp(repository, bytes)
    t.ok((await restore(repository, snapshot)).equals(bytes))
  }
})

test('a repository whose marker was lost is not taken for an init that died', async (t) => {
  const { store, repository } = await madeRepository()
  await backUp(repository, noise(100, 'marker'))
  store.objects.delete('repository')
  const before = new Map(store.objects)
  await t.rejects(initRepository({ ...options, store }), { code: 'KPIPE_DAMAGED', message: /no marker/ })
  t.same(store.objects, before)
})

test('of two inits at once at most one makes a repository, and it opens', async (t) => {
  const store = memoryStore()
  const codes = await Promise.all([
    codeOf(() => initRepository({ ...options, store })),
    codeOf(() => initRepository({ ...options, store })),
  ])
  t.equal(codes.filter((code) => code === 'none').length, 1, codes.join())
  t.match((await reopened(store)).head, /^0:/)
})

test('a malformed phrase makes nothing', async (t) => {
  const store = memoryStore()
  t.equal(await codeOf(() => initRepository({ ...options, store, recoveryPhrase: 'abc' })), 'KPIPE_KEY_MALFORMED')
  t.equal(store.objects.size, 0)
})
