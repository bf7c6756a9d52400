import { memoryStore } from '@kpipe/engine/testing'
import { test } from 'tap'
import { backUp, begin, pageBytes, restore } from '../paged-backup.ts'
import { codeOf, madeRepository, noise, reopened } from '../made-repository.ts'

test('what is forgotten is in no list, is nobody’s parent, and breaks no other snapshot', async (t) => {
  const { repository, store } = await madeRepository()
  const bytes = noise(40 * pageBytes, 'a')
  const made = []
  for (let turn = 0; turn < 3; turn++) {
    bytes.set(noise(pageBytes, `turn ${turn}`), turn * pageBytes)
    made.push({ snapshot: (await backUp(repository, bytes)).snapshot, bytes: Buffer.from(bytes) })
  }
  const [first, second, third] = made
  await repository.forget([second.snapshot.id])
  for (const seen of [repository, await reopened(store)]) {
    t.same(
      seen.snapshots().map(({ id }) => id),
      [first.snapshot.id, third.snapshot.id],
    )
    t.equal(await codeOf(() => seen.find(second.snapshot.id)), 'KPIPE_UNKNOWN_SNAPSHOT')
    t.equal(seen.find('latest~1').id, first.snapshot.id)
    for (const { snapshot, bytes: wanted } of [first, third]) t.ok((await restore(seen, snapshot)).equals(wanted))
  }
  t.equal((await begin(repository)).parent?.id, third.snapshot.id)
})

test('the newest of a name cannot be forgotten, also when another name has newer ones', async (t) => {
  const { repository } = await madeRepository()
  const old = (await backUp(repository, noise(pageBytes, 'a'), { name: 'old' })).snapshot
  await backUp(repository, noise(pageBytes, 'b'), { name: 'new' })
  const { head } = repository
  t.equal(await codeOf(() => repository.forget([old.id])), 'KPIPE_USAGE')
  t.equal(repository.head, head)
})

test('the newest that is proven to boot cannot be forgotten, until a later one is or a drill of it fails', async (t) => {
  const { repository } = await madeRepository()
  const ids: string[] = []
  for (const seed of ['a', 'b', 'c', 'd']) ids.push((await backUp(repository, noise(pageBytes, seed))).snapshot.id)
  await repository.recordDrill(ids[0], { level: 'booted', passed: true, note: '' })
  t.equal(await codeOf(() => repository.forget([ids[1], ids[0]])), 'KPIPE_USAGE')
  await repository.recordDrill(ids[1], { level: 'walked', passed: true, note: '' })
  t.equal(await codeOf(() => repository.forget([ids[0]])), 'KPIPE_USAGE', 'a walk is less')
  await repository.recordDrill(ids[2], { level: 'booted', passed: true, note: '' })
  await repository.forget([ids[0]])
  t.equal(await codeOf(() => repository.forget([ids[2]])), 'KPIPE_USAGE')
  await repository.recordDrill(ids[2], { level: 'walked', passed: false, note: '' })
  await repository.forget([ids[2]])
  t.same(
    repository.snapshots().map(({ id }) => id),
    [ids[1], ids[3]],
  )
})

test('who wants to forget what another process just forgot is told, and nothing is written', async (t) => {
  const { repository, store } = await madeRepository()
  const ids: string[] = []
  for (const seed of ['a', 'b', 'c']) ids.push((await backUp(repository, noise(pageBytes, seed))).snapshot.id)
  const other = await reopened(store)
  await other.forget([ids[0]])
  const { size } = store.objects
  t.equal(await codeOf(() => repository.forget(ids.slice(0, 2))), 'KPIPE_APPEND_LOST')
  t.equal(store.objects.size, size)
  await repository.forget([ids[1]])
  t.equal((await reopened(store)).snapshots().length, 1)
})

test('a history that is older than expected refuses to forget', async (t) => {
  const { repository, store } = await madeRepository()
  const first = (await backUp(repository, noise(pageBytes, 'a'))).snapshot
  await backUp(repository, noise(pageBytes, 'b'))
  const before = memoryStore(store.objects)
  await backUp(repository, noise(pageBytes, 'c'))
  const old = await reopened(before, { expectHead: repository.head })
  t.equal(await codeOf(() => old.forget([first.id])), 'KPIPE_ROLLBACK')
})

test('the newest without doubt cannot be forgotten, nor can the newest', async (t) => {
  const { repository: plain, store } = await madeRepository()
  const ids: string[] = []
  for (const seed of ['a', 'b', 'c'])
    ids.push((await backUp(plain, noise(pageBytes, seed), { facts: { doubtful: seed === 'c' } })).snapshot.id)
  const repository = await reopened(store, { doubtOf: ({ doubtful }) => (doubtful === true ? 'doubtful' : undefined) })
  await t.rejects(repository.forget([ids[1]]), { code: 'KPIPE_USAGE', message: /is the newest without doubt of .*, which always stays/ })
  await t.rejects(repository.forget([ids[2]]), { code: 'KPIPE_USAGE', message: /is the newest of / })
  await repository.forget([ids[0]])
  t.equal(repository.snapshots().length, 2)
})
