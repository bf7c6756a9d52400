import { faultyStore } from '@kpipe/engine/testing'
import type { FaultyStore } from '@kpipe/engine/testing'
import { test } from 'tap'
import type { ProveFrame } from '../../src/index.ts'
import { wholeShare } from '../../src/index.ts'
import { codeOf, madeRepository, noise, reopened } from '../made-repository.ts'
import { backUp, pageBytes, restore } from '../paged-backup.ts'
import { flip, history, hurt, logEntries, packs, readAll } from './damaged-history.ts'

test('after a flipped bit the next backup stores the frame again, and every snapshot that is whole again is clean', async (t) => {
  const { store, made, now } = await history()
  const [first] = packs(store, 'D')
  // Frames of 50 pages: the first one holds pages 0 to 49, of which the second snapshot has changed 30 to 49.
  flip(store, first, 100)
  const found = await readAll(await reopened(store))
  t.match(found.damages, [{ object: first, problem: 'the frame at byte 48 is not the one that was stored' }])
  t.same(hurt(found, made), [0, 1, 2])
  t.equal(found.notRecorded, undefined)
  t.same(hurt(await (await reopened(store)).check({}), made), [0, 1, 2], 'the log knows it now')

  const next = await backUp(await reopened(store), now, { frameChunks: 50 })
  t.equal(next.fresh, 30, 'what the newest has of the frame')
  t.match(next.attention, [/^packs\/.* missing or damaged: 30 chunks are stored again as far as they still exist$/])

  const after = await reopened(store)
  const healed = await readAll(after)
  t.same(hurt(healed, made), [0], 'pages 30 to 49 of the first are gone for ever')
  t.match(healed.damages, [{ object: first, problem: /the frame at byte 48/, snapshots: [made[0].snapshot.id] }])
  for (const { snapshot, bytes } of made.slice(1)) t.ok((await restore(after, snapshot)).equals(bytes))
  t.ok((await restore(after, next.snapshot)).equals(now))
  t.equal(await codeOf(() => restore(after, made[0].snapshot)), 'KPIPE_OBJECT_MISSING')
  t.equal((await after.newestIntact(made[0].snapshot))?.id, next.snapshot.id)
  t.equal((await after.newestIntact(next.snapshot))?.id, made[2].snapshot.id)

  t.equal((await backUp(after, now)).fresh, 0, 'the one after it knows all of them')
  await after.forget([made[0].snapshot.id])
  const last = await readAll(after)
  t.same(last.damages, [])
  t.match(last.unneeded, [{ object: first, problem: /the frame at byte 48/ }])
})

test('a pack that went is found by a backup alone, without a check', async (t) => {
  const { store, made, now } = await history()
  const [first] = packs(store, 'D')
  store.objects.delete(first)
  const next = await backUp(await reopened(store), now)
  t.equal(next.fresh, 260)
  const after = await reopened(store)
  const report = await after.check({})
  t.same(hurt(report, made), [0, 1], 'the second lacks what the third has changed')
  t.match(report.damages, [{ object: first, problem: 'it is missing' }])
  t.ok((await restore(after, made[2].snapshot)).equals(made[2].bytes))
  t.equal((await after.newestIntact(next.snapshot))?.id, made[2].snapshot.id)
})

test('a pack that went and comes back is whole, as a check finds without being asked to read', async (t) => {
  const { store, made } = await history()
  const [first] = packs(store, 'D')
  const bytes = store.objects.get(first)!
  store.objects.delete(first)
  t.same(hurt(await (await reopened(store)).check({}), made), [0, 1, 2])
  store.objects.set(first, bytes)
  const after = await reopened(store)
  t.same((await after.check({})).damages, [])
  for (const { snapshot, bytes: whole } of made) t.ok((await restore(after, snapshot)).equals(whole))
})

test('a broken directory and another size are damage of all that is in the pack', async (t) => {
  for (const harm of ['directory', 'size', 'end'] as const) {
    const { store, made, now } = await history()
    const [first] = packs(store, 'D')
    const { length } = store.objects.get(first)!
    if (harm === 'size') store.objects.set(first, store.objects.get(first)!.subarray(0, length - 1))
    else flip(store, first, harm === 'end' ? length - 1 : length - 100)
    t.same(hurt(await readAll(await reopened(store)), made), [0, 1, 2], harm)
    t.equal((await backUp(await reopened(store), now)).fresh, 260, harm)
    const after = await reopened(store)
    t.same(hurt(await readAll(after), made), [0, 1], harm)
    t.ok((await restore(after, made[2].snapshot)).equals(made[2].bytes), harm)
  }
})

test('what another name has stored heals, by a check alone', async (t) => {
  const { store, repository } = await madeRepository()
  const bytes = noise(100 * pageBytes, 'twins')
  const one = await backUp(repository, bytes, { name: 'one' })
  const two = await backUp(repository, bytes, { name: 'two' })
  const [first, second] = packs(store, 'D')
  flip(store, first, 100)
  const found = await readAll(repository)
  t.match(found, { damages: [], healed: 100, unneeded: [{ object: first }] })
  t.ok((await restore(await reopened(store), one.snapshot)).equals(bytes))
  // The copy goes as well.
  flip(store, second, 100)
  const gone = await readAll(await reopened(store))
  t.equal(new Set(gone.damages.flatMap(({ snapshots }) => snapshots)).size, 2)
  // And both come back with a backup of one of them.
  t.equal((await backUp(await reopened(store), bytes, { name: 'two' })).fresh, 100)
  const last = await reopened(store)
  t.same((await readAll(last)).damages, [])
  for (const { snapshot } of [one, two]) t.ok((await restore(last, snapshot)).equals(bytes))
})

test('a copy that was known before the other went heals as well', async (t) => {
  const { store, repository } = await madeRepository()
  const bytes = noise(50 * pageBytes, 'twins')
  const names = ['one', 'two', 'three']
  const made = []
  for (const name of names) made.push((await backUp(repository, bytes, { name })).snapshot)
  const [first, second] = packs(store, 'D')
  store.objects.delete(first)
  t.match(await repository.check({}), { damages: [], healed: 50 })
  store.objects.delete(second)
  t.match(await repository.check({}), { damages: [], healed: 50 })
  const after = await reopened(store)
  for (const snapshot of made) t.ok((await restore(after, snapshot)).equals(bytes))
})

test('nothing is appended when nothing new is known', async (t) => {
  const { store } = await history()
  flip(store, packs(store, 'D')[0], 100)
  await readAll(await reopened(store))
  const before = logEntries(store).length
  const again = await readAll(await reopened(store))
  t.ok(again.damages.length > 0)
  // CHECKED alone, for the packs that are whole.
  t.equal(logEntries(store).length, before + 1)
  await (await reopened(store)).check({})
  t.equal(logEntries(store).length, before + 1)
})

test('a store that takes nothing is told of damage all the same, and why the log does not say it', async (t) => {
  const { store, made } = await history()
  store.objects.delete(packs(store, 'D')[0])
  const reader = await reopened(store, { expectHead: `99:${'0'.repeat(64)}` })
  const report = await reader.check({})
  t.same(hurt(report, made), [0, 1, 2])
  t.match(report.notRecorded, /history is older or another one/)
  t.equal(logEntries(store).length, 7)
})

test('damage of a recipe is named, is not healed, and the next backup stores everything that it cannot know', async (t) => {
  const { store, made, now } = await history()
  const recipes = packs(store, 'M')
  flip(store, recipes[0], 100)
  const found = await readAll(await reopened(store))
  t.same(hurt(found, made), [0, 1, 2], 'the later ones are changes of the first')
  t.match(found.damages, [{ object: recipes[0], problem: /the frame at byte 48 / }])
  const next = await backUp(await reopened(store), now)
  t.equal(next.fresh, 300)
  const after = await reopened(store)
  t.same(hurt(await readAll(after), made), [0, 1, 2])
  t.equal((await after.newestIntact(made[2].snapshot))?.id, next.snapshot.id)
  const bytes = store.objects.get(recipes[0])!
  store.objects.delete(recipes[0])
  t.match((await after.check({})).damages, [{ object: recipes[0], problem: 'it is missing' }])
  store.objects.set(recipes[0], bytes)
  flip(store, recipes[0], 100)
  t.same((await readAll(after)).damages, [])
})

test('a backup costs no more store calls for damage when there is none', async (t) => {
  const { store, now } = await history()
  const counted = async (): Promise<FaultyStore['calls']> => {
    const counting = faultyStore(store, () => undefined)
    await backUp(await reopened(counting), now)
    return counting.calls
  }
  const calls = await counted()
  const count = (operation: string, prefix: string): number =>
    calls.filter((call) => call.operation === operation && call.name.startsWith(prefix)).length
  t.equal(count('create', 'log/'), 2, 'OPEN and SNAPSHOT')
  t.equal(count('list', 'packs/'), 1)
  t.equal(count('read', 'packs/'), 3, 'the chain of the one recipe part')
})

test('what a store lists too late is looked at by itself', async (t) => {
  const { store, now } = await history()
  let hidden = 0
  const late = {
    ...store,
    async *list(prefix: string, after?: string) {
      for await (const object of store.list(prefix, after))
        if (prefix === 'packs/') hidden += 1
        else yield object
    },
  }
  const next = await backUp(await reopened(late), now)
  t.ok(hidden > 0)
  t.match(next, { fresh: 0, attention: [] })
  t.equal(logEntries(store).length, 9)
})

test('more tags than an entry holds go into several', async (t) => {
  const { store, repository } = await madeRepository()
  const bytes = noise(70_000 * pageBytes, 'many')
  const { snapshot } = await backUp(repository, bytes, { frameChunks: 4000 })
  const before = logEntries(store).length
  for (const name of packs(store, 'D')) store.objects.delete(name)
  const found = await repository.check({})
  t.ok(found.damages.length > 0)
  t.equal(logEntries(store).length, before + 2)
  await backUp(repository, bytes, { frameChunks: 4000 })
  t.equal(logEntries(store).length, before + 2 + 4, 'OPEN, SNAPSHOT and two HEAL')
  t.ok((await restore(await reopened(store), snapshot)).equals(bytes))
})

test('chunks that another process finds lost between the look at the parent and OPEN are not taken for known', async (t) => {
  const { store, now } = await history()
  const [first] = packs(store, 'D')
  let checks = 0
  const slow = {
    ...store,
    async create(name: string, parts: readonly Uint8Array[]) {
      if (name.startsWith('log/') && checks++ === 0) {
        // A backup does not see damage inside a pack by itself.
        flip(store, first, 100)
        await readAll(await reopened(store))
      }
      return store.create(name, parts)
    },
  }
  const next = await backUp(await reopened(slow), now, { frameChunks: 50 })
  t.ok(checks > 1)
  t.equal(next.fresh, 30)
  t.ok((await restore(await reopened(store), next.snapshot)).equals(now))
})

test('a pack that another process finds damaged while it is read here is not called whole', async (t) => {
  const { store, repository, made } = await history()
  const [first] = packs(store, 'D')
  let found = 0
  const prove: ProveFrame = async () => {
    if (found++ > 0) return
    // Its bytes are in memory here.
    flip(store, first, 100)
    await readAll(await reopened(store))
  }
  const report = await repository.check({ read: { share: wholeShare, prove } })
  t.match(report, { notRecorded: undefined })
  t.ok(found > 1)
  t.same(hurt(report, made), [0, 1, 2])
  t.same(hurt(await (await reopened(store)).check({}), made), [0, 1, 2])
})
