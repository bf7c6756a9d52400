import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { memoryStore } from '@kpipe/engine/testing'
import type { MemoryStore } from '@kpipe/engine/testing'
import { test } from 'tap'
import { checkpointName, encodeCheckpoint } from '../../src/checkpoint/checkpoint.ts'
import { encodeEntry, entryDigest, entryName } from '../../src/log/entry.ts'
import type { Repository } from '../../src/index.ts'
import { codeOf, madeRepository, noise, reopened } from '../made-repository.ts'
import { backUp, begin, pageBytes, restore } from '../paged-backup.ts'
import { countingStore, fillTo, nothing, openLog, putCheckpoint } from './long-log.ts'
import { stateFolderFor } from './state-folder.ts'

const bytes = noise(100 * pageBytes, 'pages')

/** Two snapshots, a long stretch of nothing, a checkpoint at 256, and a third snapshot after it. */
async function longRepository(): Promise<MemoryStore> {
  const { store, repository } = await madeRepository()
  await backUp(repository, bytes)
  await backUp(repository, noise(50 * pageBytes, 'other'), { name: 'other' })
  const { ring, log } = await fillTo(store, 256)
  await putCheckpoint(store, ring, log.state)
  await backUp(await reopened(store), bytes.subarray(pageBytes))
  return store
}

test('a repository is opened from its newest checkpoint: of what came before only GENESIS is read', async (t) => {
  const store = countingStore(await longRepository())
  const repository = await reopened(store)
  t.same(store.reads.filter((name) => name.startsWith('log/')).toSorted(), [0, 256, 257, 258, 259].map(entryName))
  const fromStart = await reopened(without(store, 'checkpoint/'))
  t.same(facts(repository), facts(fromStart))
  t.equal(repository.snapshots().length, 3)
  for (const snapshot of repository.snapshots())
    t.ok((await restore(repository, snapshot)).equals(await restore(fromStart, fromStart.find(snapshot.id))))
  const { snapshot } = await backUp(repository, bytes)
  t.ok((await restore(await reopened(store), snapshot)).equals(bytes))
})

test('a checkpoint that is damaged, of another place, repository or draft, or of other entries, changes nothing', async (t) => {
  const store = await longRepository()
  const expected = facts(await reopened(store))
  const name = checkpointName(256)
  const whole = store.objects.get(name)!
  const other = await longRepository()
  const { log, ring } = await openLog(store)
  const moved = memoryStore()
  await moved.create('repository', [store.objects.get('repository')!])
  const wrong: Record<string, Uint8Array> = {
    'of another repository': other.objects.get(name)!,
    'of another draft': whole.with(10, whole[10] + 1),
    empty: new Uint8Array(0),
    cut: whole.subarray(0, -1),
    'a log entry': store.objects.get(entryName(256))!,
    'of another entry': await checkpointOf(store, { ...log.state, head: { n: 256, digest: log.state.head.digest } }),
    'of no entry': await checkpointOf(store, { ...log.state, head: { n: 256, digest: new Uint8Array(32) } }),
  }
  for (let at = 0; at < whole.length; at += 29) wrong[`with byte ${at} flipped`] = whole.with(at, whole[at] ^ 1)
  for (const [title, content] of Object.entries(wrong)) {
    const damaged = countingStore(memoryStore(store.objects))
    damaged.objects.set(name, content)
    const opened = await reopened(damaged)
    if (!damaged.reads.includes(entryName(100))) t.fail(`${title}: it was taken`)
    t.same(facts(opened), expected, title)
  }
  t.equal(ring.epochs().length, 1)
  const elsewhere = countingStore(memoryStore(store.objects))
  elsewhere.objects.delete(name)
  elsewhere.objects.set(checkpointName(255), whole)
  t.same(facts(await reopened(elsewhere)), expected)
  t.ok(elsewhere.reads.includes(entryName(100)), 'one under another name was not taken')

  async function checkpointOf(from: MemoryStore, state: typeof log.state): Promise<Uint8Array> {
    const put = memoryStore(from.objects)
    put.objects.delete(name)
    await putCheckpoint(put, ring, state)
    return put.objects.get(name)!
  }
})

test('when the newest checkpoint is damaged, the one before it is taken', async (t) => {
  const store = countingStore(await longRepository())
  store.objects.set(checkpointName(258), noise(500, 'damaged'))
  const repository = await reopened(store)
  t.notOk(store.reads.includes(entryName(100)))
  t.same(facts(repository), facts(await reopened(without(store, 'checkpoint/'))))
})

test('what else lies beside checkpoints, or claims to be later than the log, is passed over', async (t) => {
  const store = countingStore(await longRepository())
  store.objects.set('checkpoint/notes', noise(10, 'n'))
  store.objects.set(checkpointName(9_000_000), store.objects.get(checkpointName(256))!)
  t.equal((await reopened(store)).snapshots().length, 3)
  t.notOk(store.reads.includes(entryName(100)))
})

test('an older state of the store, and another history, are noticed with checkpoints as without', async (t) => {
  for (const keep of [true, false]) {
    const stateFolder = stateFolderFor(t)
    const store = await longRepository()
    const old = memoryStore(store.objects)
    const fork = memoryStore(store.objects)
    const repository = await reopened(store, { stateFolder })
    await backUp(repository, bytes)
    for (const later of [old, fork]) if (!keep) later.objects.delete(checkpointName(256))
    await backUp(await reopened(fork), noise(300, 'fork'))
    const { ring, log } = await openLog(fork)
    if (keep) await putCheckpoint(fork, ring, log.state)
    for (const [title, place] of Object.entries({ old, fork })) {
      const stale = await reopened(place, { stateFolder })
      t.equal(stale.rollback?.remembered, repository.head, title)
      t.equal(await codeOf(() => begin(stale)), 'KPIPE_ROLLBACK')
    }
    t.equal((await reopened(store, { stateFolder })).rollback, undefined)
    t.ok((await reopened(old, { expectHead: repository.head })).rollback)
  }
})

test('from a head that was seen long ago the chain is read to the checkpoint, and one that was changed in between is noticed', async (t) => {
  const stateFolder = stateFolderFor(t)
  const store = countingStore(await longRepository())
  const { ring, log } = await openLog(store)
  const memory = join(stateFolder, (await reopened(store, { stateFolder })).id)
  const keys = readFileSync(memory, 'utf8').split('\n')[1]
  const at = (n: number): string => `${n}:${Buffer.from(log.digestOf(n)!).toString('hex')}`
  const entry = (n: number, previous: Uint8Array): Buffer => encodeEntry(ring, { n, epoch: 1, previous }, { ...nothing, time: 1 })

  store.reads.length = 0
  writeFileSync(memory, `${at(100)}\n${keys}\n`)
  t.equal((await reopened(store, { stateFolder })).rollback, undefined)
  t.same(
    store.reads.filter((name) => name.startsWith('log/')).toSorted(),
    [0, ...Array.from({ length: 160 }, (_, index) => 100 + index)].map(entryName),
  )

  writeFileSync(memory, `${at(100)}\n${keys}\n`)
  const changed = memoryStore(store.objects)
  changed.objects.set(entryName(100), entry(100, log.digestOf(99)!))
  t.equal(await codeOf(() => reopened(changed, { stateFolder })), 'KPIPE_DAMAGED', 'it does not fit what follows')
  const cut = memoryStore(store.objects)
  for (let n = 100, previous = log.digestOf(99)!; n <= 256; n++) {
    cut.objects.set(entryName(n), entry(n, previous))
    previous = entryDigest(cut.objects.get(entryName(n))!)
  }
  for (let n = 257; n < 260; n++) cut.objects.delete(entryName(n))
  const { ring: same, log: forked } = await openLog(cut)
  cut.objects.delete(checkpointName(256))
  await putCheckpoint(cut, same, forked.state)
  const other = await reopened(cut, { stateFolder })
  t.equal(other.rollback?.remembered, at(100), 'another history with a checkpoint of its own')

  t.equal((await reopened(store, { expectHead: at(7) })).rollback, undefined)
  t.equal((await reopened(store, { expectHead: `7:${'0'.repeat(64)}` })).rollback?.seen, (await reopened(store)).head)
})

test('an entry that is lost below the checkpoint is named by a check alone; one above it stops writing', async (t) => {
  for (const damage of [undefined, noise(200, 'junk')]) {
    const store = await longRepository()
    if (damage === undefined) store.objects.delete(entryName(100))
    else store.objects.set(entryName(100), damage)
    const warnings: string[] = []
    const repository = await reopened(store, { warn: (message) => warnings.push(message) })
    t.same([warnings, repository.lost], [[], []])
    await backUp(repository, bytes)
    t.match((await repository.check({})).damages, [{ object: entryName(100) }])
    t.equal((await reopened(without(store, 'checkpoint/'))).lost.length, 1)

    if (damage === undefined) store.objects.delete(entryName(257))
    else store.objects.set(entryName(257), damage)
    const later = await reopened(store)
    t.match(later.lost, [new RegExp(entryName(257))])
    t.equal(await codeOf(() => begin(later)), 'KPIPE_DAMAGED')
  }
})

test('the entry of the checkpoint itself may be lost, to who remembers a head after it', async (t) => {
  for (const damage of [undefined, noise(200, 'junk')]) {
    const stateFolder = stateFolderFor(t)
    const store = await longRepository()
    await reopened(store, { stateFolder })
    const { ring, log } = await openLog(store)
    const empty = stateFolderFor(t)
    if (damage === undefined) store.objects.delete(entryName(256))
    else store.objects.set(entryName(256), damage)
    const repository = await reopened(store, { stateFolder })
    t.same([repository.lost, repository.rollback], [[], undefined])
    t.equal(repository.snapshots().length, 3)
    t.match((await repository.check({})).damages, [{ object: entryName(256) }])
    await backUp(repository, bytes)
    t.match((await reopened(store, { stateFolder: empty })).lost, [new RegExp(entryName(256))])
    const other = { ...log.state, head: { n: 256, digest: new Uint8Array(32) } }
    store.objects.set(checkpointName(256), await encodeCheckpoint(ring, log.digestOf(0)!, other))
    t.match((await reopened(store, { stateFolder })).lost, [new RegExp(entryName(256))], 'one that the next entry does not name')
  }
})

test('an entry that is lost between the head that was seen and the checkpoint is not passed over', async (t) => {
  const stateFolder = stateFolderFor(t)
  const store = await longRepository()
  const { log } = await openLog(store)
  const memory = join(stateFolder, (await reopened(store, { stateFolder })).id)
  const [, keys] = readFileSync(memory, 'utf8').split('\n')
  writeFileSync(memory, `50:${Buffer.from(log.digestOf(50)!).toString('hex')}\n${keys}\n`)
  store.objects.delete(entryName(100))
  t.match((await reopened(store, { stateFolder })).lost, [new RegExp(entryName(100))])
})

function without(store: MemoryStore, prefix: string): MemoryStore {
  return memoryStore([...store.objects].filter(([name]) => !name.startsWith(prefix)))
}

/** What a repository shows. */
function facts(repository: Repository): unknown {
  const { id, head, rollback, lost, keys } = repository
  return { id, head, rollback, lost, slots: keys.list(), snapshots: repository.snapshots().map((snapshot) => [snapshot.id, snapshot.time]) }
}
