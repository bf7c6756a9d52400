import { randomBytes } from 'node:crypto'
import { test } from 'tap'
import { keyRing } from '../../src/keys/key-ring.ts'
import { openSlots } from '../../src/keys/open-slots.ts'
import { Log, readGenesis } from '../../src/log/log.ts'
import { encode } from '../../src/msgpack.ts'
import { codeOf, keyFile, madeRepository, noise, reopened } from '../made-repository.ts'
import { backUp, pageBytes, restore } from '../paged-backup.ts'
import { flip, packs, readAll } from './damaged-history.ts'

const bytes = noise(40 * pageBytes, 'manifests')

test('one manifest of a later kpipe keeps nobody from the others, and its snapshot can be forgotten by its id', async (t) => {
  const { store, repository } = await madeRepository()
  const { snapshot } = await backUp(repository, bytes)
  const ring = keyRing(Buffer.from(repository.id, 'hex'), (await openSlots(store, Buffer.from(repository.id, 'hex'), keyFile)).bundles)
  const log = new Log(store, ring, await readGenesis(store, ring))
  await log.refresh()
  const writer = randomBytes(8)
  await log.append({ kind: 'OPEN', writer, time: 0, tool: 'later', host: '', boot: '', pid: 1 })
  await log.append({ kind: 'SNAPSHOT', writer, time: 0, packs: [], uses: new Uint8Array(0), manifest: encode({ shape: 'later' }) })
  const warnings: string[] = []
  const reader = await reopened(store, { warn: (sentence) => warnings.push(sentence) })
  t.same(warnings, [], 'nothing is decoded yet')
  t.same(
    reader.snapshots().map(({ id }) => id),
    [snapshot.id],
  )
  t.same(warnings, reader.lost)
  t.match(reader.lost, [/^snapshot [0-9a-f]{12} at memory has a manifest that this kpipe cannot read$/])
  t.equal(await codeOf(() => reader.find('latest')), 'KPIPE_DAMAGED', 'it may be that one')
  t.ok((await restore(reader, reader.find(snapshot.id))).equals(bytes))
  t.same((await readAll(reader)).damages, [], 'it is not damaged')
  t.equal((await backUp(reader, bytes)).fresh, 0)
  const [id] = reader.unreadable
  await reader.forget([id])
  t.same(reader.unreadable, [])
  t.same((await reopened(store)).lost, [])
})

test('a snapshot whose manifest is lost with its pack is told, and gone when it is forgotten', async (t) => {
  const { store, repository } = await madeRepository()
  const large = (await backUp(repository, bytes, { facts: { text: 'x'.repeat(70_000) } })).snapshot
  await backUp(repository, bytes)
  const holder = packs(store, 'M').find((name) => store.objects.get(name)!.length > 70_000)!
  // The recipe comes first, and is shared with the second.
  flip(store, holder, store.objects.get(holder)!.length - 40_000)
  const reader = await reopened(store)
  t.same(reader.unreadable, [large.id])
  t.match((await readAll(reader)).damages[0], { object: holder, snapshots: [large.id] })
  await reader.forget([large.id])
  const report = await readAll(reader)
  t.same(report.damages, [])
  t.match(report.unneeded, [{ object: holder, problem: /^the frame at byte \d+ / }])
})

test('a manifest that is damaged while the program runs is told all the same', async (t) => {
  const { store, repository } = await madeRepository()
  const large = (await backUp(repository, bytes, { facts: { text: 'x'.repeat(70_000) } })).snapshot
  const holder = packs(store, 'M').find((name) => store.objects.get(name)!.length > 70_000)!
  flip(store, holder, store.objects.get(holder)!.length - 40_000)
  t.match((await readAll(repository)).damages, [{ object: holder, snapshots: [large.id] }])
})
