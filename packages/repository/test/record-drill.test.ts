import { memoryStore } from '@kpipe/engine/testing'
import { test } from 'tap'
import { maxDrillNoteBytes } from '../src/bounds.ts'
import { backUp, pageBytes } from './paged-backup.ts'
import { codeOf, madeRepository, noise, reopened } from './made-repository.ts'

test('the newest drill of a snapshot is in every list, whoever opens the repository', async (t) => {
  const { repository, store } = await madeRepository()
  const { snapshot } = await backUp(repository, noise(10 * pageBytes, 'a'))
  const other = (await backUp(repository, noise(10 * pageBytes, 'b'))).snapshot
  t.equal(repository.find(snapshot.id).drill, undefined)
  const before = Date.now()
  await repository.recordDrill(snapshot.id, { level: 'booted', passed: true, note: 'first' })
  await repository.recordDrill(snapshot.id, { level: 'walked', passed: true, note: 'second' })
  for (const seen of [repository, await reopened(store)]) {
    const { time, ...drill } = seen.find(snapshot.id).drill!
    t.same(drill, { level: 'walked', passed: true, note: 'second', proven: true })
    t.ok(time.getTime() >= before && time.getTime() <= Date.now())
    t.equal(seen.find(other.id).drill, undefined)
    t.equal(seen.lost.length, 0)
  }
})

test('of a note that is too long its beginning stays, in whole characters', async (t) => {
  const { repository } = await madeRepository()
  const { snapshot } = await backUp(repository, noise(pageBytes, 'a'))
  for (const [note, kept] of [
    ['x'.repeat(maxDrillNoteBytes), 'x'.repeat(maxDrillNoteBytes)],
    ['x'.repeat(maxDrillNoteBytes + 1), 'x'.repeat(maxDrillNoteBytes)],
    [`x${'ä'.repeat(maxDrillNoteBytes)}`, `x${'ä'.repeat((maxDrillNoteBytes - 2) / 2)}`],
    ['🦀'.repeat(maxDrillNoteBytes), '🦀'.repeat(maxDrillNoteBytes / 4)],
  ]) {
    await repository.recordDrill(snapshot.id, { level: 'walked', passed: false, note })
    t.equal(repository.find(snapshot.id).drill?.note, kept)
  }
})

test('a drill of what is not there is told, also when another process has just forgotten it, and nothing is written', async (t) => {
  const { repository, store } = await madeRepository()
  const first = (await backUp(repository, noise(pageBytes, 'a'))).snapshot
  await backUp(repository, noise(pageBytes, 'b'))
  const result = { level: 'booted', passed: true, note: '' } as const
  t.equal(await codeOf(() => repository.recordDrill('00'.repeat(32), result)), 'KPIPE_UNKNOWN_SNAPSHOT')
  await (await reopened(store)).forget([first.id])
  const { size } = store.objects
  t.equal(await codeOf(() => repository.recordDrill(first.id, result)), 'KPIPE_UNKNOWN_SNAPSHOT')
  t.equal(store.objects.size, size)
})

test('a history that is older than expected takes no drill', async (t) => {
  const { repository, store } = await madeRepository()
  const { snapshot } = await backUp(repository, noise(pageBytes, 'a'))
  const before = memoryStore(store.objects)
  await backUp(repository, noise(pageBytes, 'b'))
  const old = await reopened(before, { expectHead: repository.head })
  t.equal(await codeOf(() => old.recordDrill(snapshot.id, { level: 'walked', passed: true, note: '' })), 'KPIPE_ROLLBACK')
})
