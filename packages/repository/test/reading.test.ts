import { test } from 'tap'
import { codeOf, madeRepository, noise, reopened } from './made-repository.ts'
import { backUp, pageBytes, restore } from './paged-backup.ts'
import { prunedNow } from './collection/kept-history.ts'

async function overtakenReader() {
  const { store, repository } = await madeRepository()
  const bytes = noise(300 * pageBytes, 'a')
  const { snapshot: first } = await backUp(repository, bytes)
  noise(100 * pageBytes, 'b').copy(bytes)
  const { snapshot } = await backUp(repository, bytes)
  const reader = await reopened(store)
  await repository.forget([first.id])
  demandMoved(await prunedNow(repository))
  return { store, repository, reader, snapshot, bytes }
}

function demandMoved({ compacted, swept }: Awaited<ReturnType<typeof prunedNow>>): void {
  if (compacted.objects === 0 || swept.objects === 0) throw new Error('nothing was moved')
}

test('a reader that misses a pack reads the log again and goes on with the replacement', async (t) => {
  const { reader, snapshot, bytes } = await overtakenReader()
  t.equal(await codeOf(() => restore(reader, snapshot)), 'KPIPE_OBJECT_MISSING')
  const late = await overtakenReader()
  let tries = 0
  const restored = await late.reader.reading(late.snapshot, () => ((tries += 1), restore(late.reader, late.snapshot)))
  t.ok(restored.equals(bytes))
  t.equal(tries, 2)
})

test('what cannot be done again, and what is missing for another reason, is told as it is', async (t) => {
  const { reader, snapshot, store } = await overtakenReader()
  t.equal(
    await codeOf(() =>
      reader.reading(
        snapshot,
        () => restore(reader, snapshot),
        () => false,
      ),
    ),
    'KPIPE_OBJECT_MISSING',
  )
  await reader.refresh()
  for (const name of store.objects.keys()) if (name.startsWith('packs/')) store.objects.delete(name)
  let tries = 0
  t.equal(await codeOf(() => reader.reading(snapshot, () => ((tries += 1), restore(reader, snapshot)))), 'KPIPE_OBJECT_MISSING')
  t.equal(tries, 1)
})

test('a snapshot that was forgotten while it was read is named as that', async (t) => {
  const { reader, snapshot, repository, bytes } = await overtakenReader()
  await backUp(repository, bytes.subarray(0, 200 * pageBytes))
  await repository.forget([snapshot.id])
  await prunedNow(repository)
  t.equal(await codeOf(() => reader.reading(snapshot, () => restore(reader, snapshot))), 'KPIPE_UNKNOWN_SNAPSHOT')
})
