import { KpipeError } from '@kpipe/engine/contracts'
import { faultyStore } from '@kpipe/engine/testing'
import type { MemoryStore } from '@kpipe/engine/testing'
import { test } from 'tap'
import type { CheckReport, ProveFrame, Repository, Snapshot } from '../../src/index.ts'
import { parseReadShare, wholeShare } from '../../src/index.ts'
import { madeRepository, noise, reopened } from '../made-repository.ts'
import { backUp, pageBytes, tagOf } from '../paged-backup.ts'

interface History {
  readonly store: MemoryStore
  readonly repository: Repository
  readonly made: readonly Snapshot[]
}

/** Snapshots of two names, each after the first with pages of its own. */
async function history(turns = 3): Promise<History> {
  const { store, repository } = await madeRepository()
  const made: Snapshot[] = []
  for (const name of ['db', 'other']) {
    const bytes = noise(300 * pageBytes, name)
    for (let turn = 0; turn < turns; turn++) {
      bytes.set(noise(20 * pageBytes, `${name} ${turn}`), turn * 30 * pageBytes)
      made.push((await backUp(repository, bytes, { name, frameChunks: 50 })).snapshot)
    }
  }
  return { store, repository, made }
}

/** What the engine's workers do, for a codec that changes nothing. */
function proving(repository: Repository): { prove: ProveFrame; proven: () => number } {
  let proven = 0
  const prove: ProveFrame = async ({ bytes, ends }, slots, tags) => {
    slots.forEach((slot, index) => {
      const chunk = bytes.subarray(slot === 0 ? 0 : ends[slot - 1], ends[slot])
      if (Buffer.compare(tagOf(repository.tagKey, chunk), tags.subarray(index * 16, index * 16 + 16)) !== 0)
        throw new KpipeError('KPIPE_DAMAGED', 'a chunk does not have the tag that its recipe names')
      proven += 1
    })
  }
  return { prove, proven: () => proven }
}

function readAll(repository: Repository, share = wholeShare): Promise<CheckReport> {
  return repository.check({ read: { share, prove: proving(repository).prove } })
}

function packNames({ objects }: MemoryStore): string[] {
  return [...objects.keys()].filter((name) => name.startsWith('packs/'))
}

function flip(store: MemoryStore, name: string, at: number): void {
  const bytes = Uint8Array.from(store.objects.get(name)!)
  bytes[at] ^= 1
  store.objects.set(name, bytes)
}

test('a whole repository is clean, with everything counted', async (t) => {
  const { repository, store, made } = await history()
  const plain = await repository.check({})
  t.match(plain, { damages: [], snapshots: 6, slots: 2, packsRead: 0, bytesRead: 0, packs: packNames(store).length, entries: 13 })
  t.equal(
    plain.bytes,
    packNames(store).reduce((sum, name) => sum + store.objects.get(name)!.length, 0),
  )
  const { prove, proven } = proving(repository)
  const seen: number[] = []
  const read = await repository.check({ read: { share: wholeShare, prove }, onProgress: (bytes, total) => seen.push(bytes / total) })
  t.match(read, { damages: [], notRecorded: undefined, packsRead: plain.packs, bytesRead: plain.bytes })
  t.equal(proven(), 2 * (300 + 20 + 20), 'every chunk of every live snapshot, once')
  t.equal(seen.at(-1), 1)
  t.equal((await repository.check({ snapshots: [made[0].id] })).packs, 2)
})

test('a pack that is gone or has another size is named with the snapshots that need it', async (t) => {
  const { store, repository, made } = await history()
  const [first] = packNames(store)
  store.objects.delete(first)
  const gone = await repository.check({})
  t.match(gone.damages, [{ object: first, problem: 'it is missing' }])
  t.same(
    gone.damages[0].snapshots,
    made.slice(0, 3).map(({ id }) => id),
  )
  store.objects.set(first, new Uint8Array(10))
  t.match((await repository.check({})).damages, [{ object: first, problem: /^it has 10 bytes instead of \d+$/ }])
  t.same((await repository.check({ snapshots: [made[3].id] })).damages, [])
})

test('--read-data finds a flipped bit anywhere in any pack', async (t) => {
  const { store, repository, made } = await history(2)
  for (const name of packNames(store)) {
    const { length } = store.objects.get(name)!
    for (const at of [0, 20, 48, 60, Math.floor(length / 2), length - 100, length - 16, length - 1]) {
      flip(store, name, at)
      t.same((await repository.check({})).damages, [], 'which presence alone does not see')
      const { damages } = await readAll(repository)
      t.ok(damages.length > 0 && damages.every(({ object }) => object === name), `${name} at ${at}`)
      t.ok(damages[0].snapshots.every((id) => made.some((snapshot) => snapshot.id === id)) && damages[0].snapshots.length > 0)
      flip(store, name, at)
      t.same((await repository.check({})).damages, [], 'a pack that is whole again is seen')
    }
  }
  t.same((await readAll(repository)).damages, [])
})

test('a chunk whose tag does not match is damage, though all digests do', async (t) => {
  const { repository } = await history(1)
  const wrong: ProveFrame = async () => {
    throw new KpipeError('KPIPE_DAMAGED', 'a chunk does not have the tag that its recipe names')
  }
  const { damages } = await repository.check({ read: { share: wholeShare, prove: wrong } })
  t.ok(damages.length > 0)
  t.match(damages[0], { problem: /^the frame at byte 48 cannot be used: a chunk does not have the tag/ })
})

test('what is no damage stops the check', async (t) => {
  const { repository } = await history(1)
  const missing: ProveFrame = async () => {
    throw new KpipeError('KPIPE_STAGE_MISSING', 'no such stage')
  }
  await t.rejects(repository.check({ read: { share: wholeShare, prove: missing } }), { code: 'KPIPE_STAGE_MISSING' })
})

test('a slot, the marker and a log entry are checked by digest', async (t) => {
  const { store, repository } = await history(1)
  const slots = [...store.objects.keys()].filter((name) => name.startsWith('keys/'))
  flip(store, slots[1], 50)
  store.objects.delete(slots[0])
  flip(store, 'repository', 13)
  flip(store, 'log/00000000000000000002', 100)
  const { damages } = await repository.check({})
  t.match(
    damages.map(({ object, problem }) => [object, problem]).toSorted(),
    [
      [slots[0], 'it is missing'],
      [slots[1], /digest/],
      ['log/00000000000000000002', /does not open/],
      ['repository', /digest/],
    ].toSorted(),
  )
})

test('a log entry that went is noticed, and one of another history', async (t) => {
  const { store, repository } = await history(1)
  const third = store.objects.get('log/00000000000000000003')!
  store.objects.delete('log/00000000000000000003')
  t.match((await repository.check({})).damages, [{ object: 'log/00000000000000000003', problem: 'it is missing' }])
  store.objects.set('log/00000000000000000003', third)
  const other = await history(1)
  store.objects.set('log/00000000000000000003', other.store.objects.get('log/00000000000000000003')!)
  t.match((await repository.check({})).damages, [{ object: 'log/00000000000000000003', problem: 'it is another entry' }])
})

test('checks of a third of the bytes read everything in three turns, least recently checked first', async (t) => {
  const { store } = await history()
  const asked = new Map<string, number>()
  const counting = faultyStore(store, ({ operation, name }) => {
    if (operation === 'read' && name.startsWith('packs/')) asked.set(name, (asked.get(name) ?? 0) + 1)
    return undefined
  })
  const share = parseReadShare('1/3')!
  const turns: string[][] = []
  for (let turn = 0; turn < 4; turn++) {
    asked.clear()
    const opened = await reopened(counting)
    const { packsRead } = await readAll(opened, share)
    t.ok(packsRead > 0)
    turns.push([...asked.keys()])
  }
  const before = new Set(turns.slice(0, 3).flat())
  t.same([...before].toSorted(), packNames(store).toSorted())
})

test('damaged packs are not recorded as checked', async (t) => {
  const { store, repository } = await history(1)
  const [bad] = packNames(store)
  flip(store, bad, 60)
  await readAll(repository)
  const share = parseReadShare('1/1000')!
  const again = await readAll(await reopened(store), share)
  t.match(again, { packsRead: 1 })
  t.match(again.damages, [{ object: bad }], 'it is the first that is read again')
})

test('a store that takes nothing is checked all the same, and the report says why it is not recorded', async (t) => {
  const { store } = await history(1)
  const full = faultyStore(store, ({ operation }) =>
    operation === 'create' ? { kind: 'fail', error: () => new KpipeError('KPIPE_STORE_FORBIDDEN', 'read-only') } : undefined,
  )
  const report = await readAll(await reopened(full))
  t.match(report, { damages: [], notRecorded: 'read-only' })
  t.ok(report.packsRead > 0)
  t.ok(full.fired.length > 0)
})

test('damage of a snapshot that others forget meanwhile is none', async (t) => {
  const { store, made } = await history()
  const [, own] = packNames(store)
  const other = await reopened(store)
  let forgotten = 0
  const checked = await reopened({
    ...store,
    async *list(prefix, after) {
      yield* store.list(prefix, after)
      if (prefix !== 'packs/') return
      await other.forget([made[0].id])
      forgotten += 1
    },
  })
  store.objects.delete(own)
  t.same((await checked.check({ snapshots: [made[0].id] })).damages, [])
  t.equal(forgotten, 1)
})

test('the newest intact snapshot is of the same name, another one, and does without a given object', async (t) => {
  const { store, repository, made } = await history()
  t.equal((await repository.newestIntact(made[2]))?.id, made[1].id)
  t.equal((await repository.newestIntact(made[0]))?.id, made[2].id)
  const [shared] = packNames(store)
  t.equal(await repository.newestIntact(made[2], shared), undefined, 'all of a name share their first pack')
  store.objects.delete(shared)
  t.equal(await repository.newestIntact(made[2]), undefined)
  t.equal((await repository.newestIntact(made[5]))?.id, made[4].id)
})

test('a snapshot whose manifest lies in a damaged pack is named, and the others are checked all the same', async (t) => {
  const { store, repository } = await madeRepository()
  const bytes = noise(40 * pageBytes, 'large')
  const large = (await backUp(repository, bytes, { facts: { text: 'x'.repeat(70_000) } })).snapshot
  const other = (await backUp(repository, bytes, { name: 'other' })).snapshot
  const holder = packNames(store).find((name) => store.objects.get(name)!.length > 70_000)!
  flip(store, holder, Math.floor(store.objects.get(holder)!.length / 2))
  const opened = await reopened(store)
  t.same(
    opened.snapshots().map(({ id }) => id),
    [other.id],
  )
  const { damages, snapshots, packsRead } = await readAll(opened)
  t.equal(snapshots, 2)
  t.equal(packsRead, packNames(store).length)
  t.match(damages, [
    { object: holder, snapshots: [large.id] },
    { object: holder, problem: /the frame at byte \d+ is not the one that was stored/, snapshots: [large.id] },
  ])
})
