import { test } from 'tap'
import type { Repository, Snapshot } from '../src/index.ts'
import { prunedNow } from './collection/kept-history.ts'
import { flip, packs, readAll } from './damage/damaged-history.ts'
import { codeOf, madeRepository, noise, reopened } from './made-repository.ts'
import { attach, backUp, begin, commit, feed, pageBytes, pieceBytes, restore } from './paged-backup.ts'

type Files = Readonly<Record<string, Buffer>>

/** As a folder of keys and certificates: small ones, one of several chunks, an empty one, two that are the same. */
const files: Files = {
  'etc/pki/ca.crt': noise(70, 'ca'),
  'etc/pki/ca.key': noise(pieceBytes, 'key'),
  'etc/pki/copy.crt': noise(70, 'ca'),
  'etc/empty': Buffer.alloc(0),
  'etc/large.yaml': noise(5 * pieceBytes + 7, 'large'),
}
const database = noise(300 * pageBytes, 'database')

async function comeBack(repository: Repository, snapshot: Snapshot, expected: Files): Promise<boolean> {
  for (const [name, bytes] of Object.entries(expected)) if (!(await restore(repository, snapshot, name)).equals(bytes)) return false
  return true
}

test('attachments come back by name, beside the database, whoever opens the repository', async (t) => {
  const { repository, store } = await madeRepository()
  const { snapshot } = await backUp(repository, database, { attachments: files })
  t.same(
    snapshot.manifest.streams.map(({ name }) => name),
    ['database', ...Object.keys(files)],
  )
  t.equal(snapshot.bytes, database.length)
  for (const seen of [repository, await reopened(store)]) {
    t.ok(await comeBack(seen, seen.find(snapshot.id), files))
    t.ok((await restore(seen, seen.find(snapshot.id))).equals(database))
    t.equal(await codeOf(() => restore(seen, snapshot, 'etc/pki')), 'KPIPE_USAGE')
  }
  t.same((await readAll(repository)).damages, [])
})

test('many small attachments make no pack of their own', async (t) => {
  const { repository, store } = await madeRepository()
  const many = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`file ${index}`, noise(30 + index, `${index}`)]))
  await backUp(repository, database, { attachments: many })
  t.equal(packs(store, 'D').length, 1)
  t.equal(packs(store, 'M').length, 1)
})

test('an attachment that did not change is stored once; one that did, and a new one, are stored', async (t) => {
  const { repository, store } = await madeRepository()
  const first = await backUp(repository, database, { attachments: files })
  const before = store.objects.size
  const again = await begin(repository)
  await feed(repository, again, database)
  t.equal(await attach(repository, again, files), 0)
  const second = await commit(again, database)
  t.equal(store.objects.size, before + 2, 'OPEN and SNAPSHOT')
  const changed = { ...files, 'etc/pki/ca.crt': noise(71, 'other'), new: noise(10, 'new') }
  const third = await begin(await reopened(store))
  await feed(repository, third, database)
  t.equal(await attach(repository, third, changed), 2)
  const last = await commit(third, database)
  for (const [{ snapshot }, expected] of [
    [first, files],
    [second, files],
    [last, changed],
  ] as const)
    t.ok(await comeBack(await reopened(store), snapshot, expected))
})

test('a snapshot without attachments between two that have them breaks nothing', async (t) => {
  const { repository } = await madeRepository()
  await backUp(repository, database, { attachments: files })
  await backUp(repository, database)
  const { snapshot } = await backUp(repository, database, { attachments: files })
  t.ok(await comeBack(repository, snapshot, files))
})

test('a collection keeps the chunks and recipes of attachments, and gives back those of forgotten ones', async (t) => {
  const { repository, store } = await madeRepository()
  const kept = new Map<string, Files>()
  const going: string[] = []
  const bytes = Buffer.from(database)
  for (let turn = 0; turn < 12; turn++) {
    bytes.set(noise(20 * pageBytes, `turn ${turn}`), turn * 20 * pageBytes)
    const attachments = { ...files, changing: noise(4000, `turn ${turn}`) }
    const { snapshot } = await backUp(repository, bytes, { attachments })
    if (turn % 4 === 3) kept.set(snapshot.id, attachments)
    else going.push(snapshot.id)
  }
  await repository.forget(going)
  const report = await prunedNow(repository)
  t.ok(report.compacted.objects > 5, `${report.compacted.objects} packs were compacted`)
  t.equal(report.unusedBytes, 0)
  const after = await reopened(store)
  for (const [id, attachments] of kept) t.ok(await comeBack(after, after.find(id), attachments))
  t.same((await readAll(after)).damages, [])
  const next = await begin(after)
  await feed(after, next, bytes)
  t.equal(await attach(after, next, files), 0, 'a parent whose packs were compacted is known')
  t.ok(await comeBack(after, (await commit(next, bytes)).snapshot, files))
})

test('a check finds what attachments have lost, a backup stores it again, and older snapshots find it there', async (t) => {
  const { repository, store } = await madeRepository()
  const first = await backUp(repository, database, { attachments: files, frameChunks: 1000 })
  const [pack] = packs(store, 'D')
  // Behind the frame of the database.
  flip(store, pack, 48 + database.length + 20)
  const found = await readAll(await reopened(store))
  t.match(found.damages, [{ object: pack, snapshots: [first.snapshot.id] }])
  const seen = await reopened(store)
  t.equal(await codeOf(() => restore(seen, first.snapshot, 'etc/large.yaml')), 'KPIPE_OBJECT_MISSING')
  t.ok((await restore(seen, first.snapshot)).equals(database))
  t.equal(await seen.newestIntact(first.snapshot), undefined)
  const writer = await begin(seen)
  t.equal(await feed(seen, writer, database), 0)
  t.equal(await attach(seen, writer, files), 9)
  const second = await commit(writer, database)
  const after = await reopened(store)
  for (const { snapshot } of [first, second]) t.ok(await comeBack(after, snapshot, files))
  t.same(
    (await readAll(after)).damages.flatMap(({ snapshots }) => snapshots),
    [],
  )
})

test('attachments whose pack went are stored again by a backup alone', async (t) => {
  const { repository, store } = await madeRepository()
  const first = await backUp(repository, database, { attachments: files })
  for (const pack of packs(store, 'D')) store.objects.delete(pack)
  await backUp(await reopened(store), database, { attachments: files })
  const after = await reopened(store)
  t.ok(await comeBack(after, first.snapshot, files))
  t.ok((await restore(after, first.snapshot)).equals(database))
})
