import { setTimeout as delay } from 'node:timers/promises'
import { KpipeError } from '@kpipe/engine/contracts'
import { faultyStore, memoryStore } from '@kpipe/engine/testing'
import type { StoreCall } from '@kpipe/engine/testing'
import { test } from 'tap'
import { padme } from '../src/padme.ts'
import { codeOf, dice, madeRepository, noise, reopened } from './made-repository.ts'
import { backUp, begin, commit, feed, pageBytes, restore } from './paged-backup.ts'

test('every snapshot of a history of changes, growth and shrinking comes back, under two names and two members', async (t) => {
  const { store, repository } = await madeRepository()
  const random = dice(1)
  const taken: { id: string; bytes: Buffer }[] = []
  const streams = new Map<string, Buffer>()
  for (let round = 0; round < 60; round++) {
    const [name, member] = [['a', 'b'][round % 2], ['m1', 'm2'][Math.floor(round / 2) % 2]]
    const before = streams.get(name + member) ?? Buffer.alloc(0)
    const pages = Math.max(0, Math.floor(before.length / pageBytes + (random() - 0.3) * 400))
    const bytes = Buffer.alloc(pages * pageBytes + Math.floor(random() * 3) * 7)
    before.copy(bytes)
    for (let page = 0; page < pages; page++) if (random() < 0.1) noise(pageBytes, `${round}/${page}`).copy(bytes, page * pageBytes)
    const writing = round % 5 === 0 ? await reopened(store) : repository
    await writing.refresh()
    const { snapshot } = await backUp(writing, bytes, { name, member, frameChunks: 30 })
    streams.set(name + member, bytes)
    taken.push({ id: snapshot.id, bytes })
  }
  const reader = await reopened(store)
  t.equal(reader.snapshots().length, 60)
  t.equal(reader.snapshots({ name: 'a' }).length, 30)
  for (const { id, bytes } of taken) t.ok((await restore(reader, reader.find(id))).equals(bytes), id.slice(0, 12))
})

test('streams of no byte, one byte, and just around a part come back', async (t) => {
  const { repository } = await madeRepository()
  for (const bytes of [
    0,
    1,
    pageBytes,
    pageBytes + 1,
    65_535 * pageBytes,
    65_536 * pageBytes,
    65_537 * pageBytes,
    65_536 * pageBytes - 1,
  ]) {
    const stream = noise(bytes, 'parts')
    const { snapshot } = await backUp(repository, stream)
    t.ok((await restore(repository, snapshot)).equals(stream), `${bytes} bytes`)
  }
})

test('200,000 chunks with a change in every part come back', async (t) => {
  const { repository } = await madeRepository()
  const bytes = noise(200_000 * pageBytes, 'many')
  await backUp(repository, bytes, { frameChunks: 4096 })
  for (let page = 0; page < 200_000; page += 999) bytes.fill(page & 0xff, page * pageBytes, page * pageBytes + 8)
  const { snapshot, fresh, writer } = await backUp(repository, bytes)
  t.equal(fresh, 201)
  t.ok(writer.bytesStored < fresh * (pageBytes + 23) + 4500, `${writer.bytesStored} bytes`)
  t.ok((await restore(repository, snapshot)).equals(bytes))
})

test('chunks of any length come back, whether they move or change', async (t) => {
  const { repository } = await madeRepository()
  const random = dice(3)
  let pieces = Array.from({ length: 3000 }, (_, index) => noise(1 + Math.floor(random() * 90), `piece${index}`))
  for (let round = 0; round < 6; round++) {
    const bytes = Buffer.concat(pieces)
    const { snapshot } = await backUp(repository, bytes, { lengths: Uint32Array.from(pieces, (piece) => piece.length) })
    const stream = await repository.openStream(snapshot)
    t.equal(stream.pageBytes, 0)
    t.equal(stream.starts(stream.chunks), bytes.length)
    t.ok((await restore(repository, snapshot)).equals(bytes), `round ${round}`)
    pieces = pieces.flatMap((piece, index) => (random() < 0.01 ? [] : random() < 0.01 ? [noise(33, `${round}/${index}`), piece] : [piece]))
  }
})

test('a snapshot without a change makes no pack', async (t) => {
  const { store, repository } = await madeRepository()
  const bytes = noise(5000 * pageBytes, 'same')
  await backUp(repository, bytes)
  const before = packsOf(store.objects).length
  const { fresh, writer, snapshot } = await backUp(repository, bytes)
  t.equal(fresh, 0)
  t.equal(packsOf(store.objects).length, before)
  t.ok(writer.bytesStored < 1500, `${writer.bytesStored} bytes`)
  t.ok((await restore(repository, snapshot)).equals(bytes))
})

test('sizes of packs and log entries lie on Padmé steps', async (t) => {
  const { store, repository } = await madeRepository()
  for (let round = 1; round < 8; round++)
    await backUp(repository, noise(round * 777 * pageBytes, `r${round}`), { tags: ['x'.repeat(round)] })
  const sized = [...store.objects].filter(([name]) => name.startsWith('packs/') || name.startsWith('log/'))
  t.ok(sized.length > 25)
  for (const [name, bytes] of sized) t.equal(bytes.length, padme(bytes.length), name)
})

test('packs have about 4 MiB, and three of a class are written at a time', async (t) => {
  const held = memoryStore()
  const writing = new Map<number, number>()
  let most = 0
  const store = {
    ...held,
    async create(name: string, parts: readonly Uint8Array[]): Promise<'created' | 'exists'> {
      const packClass = parts[0][12]
      const count = (change: number): void => void writing.set(packClass, (writing.get(packClass) ?? 0) + change)
      if (name.startsWith('packs/')) count(1)
      most = Math.max(most, ...writing.values())
      await delay(20)
      if (name.startsWith('packs/')) count(-1)
      return held.create(name, parts)
    },
  }
  await madeRepository(store)
  const repository = await reopened(store)
  const bytes = noise(40 * 2 ** 20, 'large')
  const { snapshot } = await backUp(repository, bytes, { frameChunks: 2 ** 12, lengths: new Uint32Array(40 * 1024).fill(1024) })
  const sizes = packsOf(held.objects).map((name) => held.objects.get(name)!.length)
  // A frame that does not shrink has a pack of its own.
  t.ok(Math.max(...sizes) <= 4.5 * 2 ** 20, String(sizes))
  t.equal(writing.size, 2, 'there are packs of both classes')
  t.equal(most, 3)
  t.ok((await restore(repository, snapshot)).equals(bytes))
})

test('two backups at once, both begun before either commits, both succeed', async (t) => {
  const { store } = await madeRepository()
  const [one, other] = [await reopened(store), await reopened(store)]
  const [bytesOne, bytesOther] = [noise(3000 * pageBytes, 'one'), noise(2000 * pageBytes, 'other')]
  const writers = [await begin(one), await begin(other, { name: 'x' })]
  await feed(other, writers[1], bytesOther, { name: 'x' })
  await feed(one, writers[0], bytesOne)
  const first = await commit(writers[1], bytesOther)
  const second = await commit(writers[0], bytesOne)
  const reader = await reopened(store)
  t.equal(reader.snapshots().length, 2)
  t.ok((await restore(reader, reader.find(first.snapshot.id))).equals(bytesOther))
  t.ok((await restore(reader, reader.find(second.snapshot.id))).equals(bytesOne))
  t.equal(second.head, reader.head)
})

test('ten backups that run all at once all succeed', async (t) => {
  const { store } = await madeRepository()
  const repositories = await Promise.all(Array.from({ length: 10 }, () => reopened(store)))
  await Promise.all(repositories.map((repository, index) => backUp(repository, noise(500 * pageBytes, `s${index}`))))
  t.equal((await reopened(store)).snapshots().length, 10)
})

test('writers of one process that share a repository all succeed', async (t) => {
  const { store, repository } = await madeRepository()
  await Promise.all(
    Array.from({ length: 8 }, (_, index) => backUp(repository, noise(300 * pageBytes, `s${index}`), { name: `n${index % 3}` })),
  )
  t.equal((await reopened(store)).snapshots().length, 8)
  t.match(repository.head, /^16:/)
})

test('a writer that never gets its entry in says so after 64 tries', async (t) => {
  const { store } = await madeRepository()
  const faulty = faultyStore(store, ({ operation, name }) =>
    operation === 'create' && name.startsWith('log/') ? { kind: 'exists' } : undefined,
  )
  const repository = await reopened(faulty)
  t.equal(await codeOf(() => begin(repository)), 'KPIPE_APPEND_LOST')
  t.equal(faulty.fired.length, 64)
})

test('a lost reply to any create of a backup does not fail it', async (t) => {
  const { store } = await madeRepository()
  for (const nth of [1, 2, 3, 4]) {
    let creates = 0
    const faulty = faultyStore(store, ({ operation }) =>
      operation === 'create' && ++creates === nth ? { kind: 'lose', error: failed } : undefined,
    )
    const bytes = noise(100 * pageBytes, `lost${nth}`)
    const { snapshot } = await backUp(await reopened(faulty), bytes)
    t.equal(faulty.fired.length, 1)
    const reader = await reopened(store)
    t.ok((await restore(reader, reader.find(snapshot.id))).equals(bytes))
    t.equal(reader.snapshots().length, nth)
  }
})

test('a store that is full fails the backup, and the abort leaves no snapshot', async (t) => {
  const { store } = await madeRepository()
  for (const target of ['packs/', 'log/00000000000000000']) {
    let armed = false
    const full = ({ operation, name }: StoreCall): { kind: 'fail'; error: () => Error } | undefined =>
      armed && operation === 'create' && name.startsWith(target)
        ? { kind: 'fail', error: () => new KpipeError('KPIPE_STORE_FULL', 'full') }
        : undefined
    const faulty = faultyStore(store, full)
    const repository = await reopened(faulty)
    const writer = await begin(repository)
    armed = true
    const bytes = noise(100 * pageBytes, 'full')
    await feed(repository, writer, bytes)
    t.equal(await codeOf(() => commit(writer, bytes)), 'KPIPE_STORE_FULL')
    // Packs of both classes are under way at once.
    t.equal(faulty.fired.length, target === 'packs/' ? 2 : 1)
    armed = false
    await writer.abort('the store is full')
    t.equal((await reopened(store)).snapshots().length, 0)
  }
})

test('an aborted backup has no snapshot and cannot be committed by a later entry', async (t) => {
  const { store, repository } = await madeRepository()
  const writer = await begin(repository)
  await writer.abort('SIGINT')
  await writer.abort('again')
  t.match(repository.head, /^2:/)
  t.equal(await codeOf(() => commit(writer, new Uint8Array(0))), 'KPIPE_APPEND_LOST')
  t.equal((await reopened(store)).snapshots().length, 0)
})

test('chunks of a pack that is gone count as lost and are stored again', async (t) => {
  const { store, repository } = await madeRepository()
  const bytes = noise(1000 * pageBytes, 'gone')
  await backUp(repository, bytes)
  const [gone] = packsOf(store.objects).filter((name) => store.objects.get(name)!.length > 50_000)
  store.objects.delete(gone)
  const again = await reopened(store)
  const { snapshot, fresh, attention } = await backUp(again, bytes)
  t.equal(fresh, 1000)
  t.match(attention.join(), gone)
  t.ok((await restore(again, snapshot)).equals(bytes))
  t.equal((await backUp(again, bytes)).fresh, 0, 'the next one knows them again')
})

test('a parent whose recipe is gone is passed over for an older one', async (t) => {
  const { store, repository } = await madeRepository()
  const bytes = noise(1000 * pageBytes, 'older')
  const older = await backUp(repository, bytes)
  const before = new Set(packsOf(store.objects))
  bytes.fill(1, 0, pageBytes)
  await backUp(repository, bytes)
  for (const name of packsOf(store.objects)) if (!before.has(name)) store.objects.delete(name)
  const again = await reopened(store)
  const { snapshot, fresh, writer, attention } = await backUp(again, bytes)
  t.equal(writer.parent?.id, older.snapshot.id)
  t.equal(fresh, 1)
  t.equal(attention.length, 1)
  t.ok((await restore(again, snapshot)).equals(bytes))
})

test('a known name with another cluster id is stored and said aloud', async (t) => {
  const { repository } = await madeRepository()
  const bytes = noise(10 * pageBytes, 'cluster')
  t.same((await backUp(repository, bytes, { facts: { cluster_id: 'aa' } })).attention, [])
  t.same((await backUp(repository, bytes, { facts: { cluster_id: 'aa' } })).attention, [])
  t.match(
    (await backUp(repository, bytes, { facts: { cluster_id: 'bb' } })).attention.join(),
    /cluster aa until now; this snapshot is of cluster bb/,
  )
  t.equal(repository.snapshots().length, 3)
})

test('the parent has the same name, member and chunking', async (t) => {
  const { repository } = await madeRepository()
  const bytes = noise(100 * pageBytes, 'parent')
  const { snapshot } = await backUp(repository, bytes)
  t.equal((await begin(repository, {})).parent?.id, snapshot.id)
  t.equal((await begin(repository, { name: 'other' })).parent, undefined)
  t.equal((await begin(repository, { member: 'm2' })).known, undefined)
  t.equal((await begin(repository, { lengths: new Uint32Array(0) })).parent, undefined)
})

test('a manifest above 64 KiB is kept in a pack, and found by a reader', async (t) => {
  const { store, repository } = await madeRepository()
  const bytes = noise(50 * pageBytes, 'facts')
  const facts = { revision: 5_000_000_000, note: 'n'.repeat(100_000) }
  const { snapshot } = await backUp(repository, bytes, { facts })
  const reader = await reopened(store)
  t.same(reader.find(snapshot.id).facts, facts)
  t.equal(reader.find('rev:5000000000').id, snapshot.id)
  t.ok((await restore(reader, reader.find('latest'))).equals(bytes))
})

test('a large manifest whose pack is gone hides its snapshot, and only an id names others', async (t) => {
  const { store, repository } = await madeRepository()
  const { snapshot } = await backUp(repository, new Uint8Array(1))
  const before = new Set(packsOf(store.objects))
  await backUp(repository, new Uint8Array(1), { facts: { note: 'n'.repeat(100_000) } })
  for (const name of packsOf(store.objects)) if (!before.has(name)) store.objects.delete(name)
  const reader = await reopened(store)
  t.same(
    reader.snapshots().map(({ id }) => id),
    [snapshot.id],
  )
  t.equal(reader.lost.length, 1)
  t.equal(await codeOf(() => reader.find('latest')), 'KPIPE_DAMAGED')
  t.equal(reader.find(snapshot.id).id, snapshot.id)
  t.equal((await backUp(reader, new Uint8Array(1))).writer.parent?.id, snapshot.id)
})

test('facts keep their types', async (t) => {
  const { store, repository } = await madeRepository()
  const facts = {
    revision: 2 ** 53 - 1,
    negative: -5_000_000_000,
    half: 0.5,
    none: null,
    yes: true,
    list: [1, 'a', { b: 2 ** 32 }],
    keys: 3,
  }
  await backUp(repository, new Uint8Array(0), { facts, tags: ['daily', 'ü'], time: new Date('2026-11-01T10:00:00.123Z') })
  const [snapshot] = (await reopened(store)).snapshots()
  t.same(snapshot.facts, facts)
  t.same(snapshot.tags, ['daily', 'ü'])
  t.equal(snapshot.time.toISOString(), '2026-11-01T10:00:00.123Z')
  t.same([snapshot.keys, snapshot.revision, snapshot.bytes], [3, 2 ** 53 - 1, 0])
})

function packsOf(objects: ReadonlyMap<string, Uint8Array>): string[] {
  return [...objects.keys()].filter((name) => name.startsWith('packs/'))
}

function failed(): Error {
  return new KpipeError('KPIPE_STORE_FAILED', 'the reply was lost')
}
