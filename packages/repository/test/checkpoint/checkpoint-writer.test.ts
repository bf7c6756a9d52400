import { KpipeError } from '@kpipe/engine/contracts'
import type { Store } from '@kpipe/engine/contracts'
import { faultyStore, memoryStore } from '@kpipe/engine/testing'
import type { MemoryStore } from '@kpipe/engine/testing'
import { test } from 'tap'
import { checkpointName } from '../../src/checkpoint/checkpoint.ts'
import { CheckpointWriter } from '../../src/checkpoint/checkpoint-writer.ts'
import { entryName } from '../../src/log/entry.ts'
import { madeRepository, noise, reopened } from '../made-repository.ts'
import { backUp, begin } from '../paged-backup.ts'
import { countingStore, fillTo, nothing, openLog } from './long-log.ts'

const bytes = noise(640, 'pages')

/** A repository whose next entry has this number. */
async function upTo(n: number): Promise<MemoryStore> {
  const { store } = await madeRepository()
  await fillTo(store, n - 1)
  return store
}

test('who appends an entry whose number is a multiple of 256 writes a checkpoint of it', async (t) => {
  for (const [first, written] of [
    [254, undefined],
    [255, 256],
    [256, 256],
    [257, undefined],
  ] as const) {
    const store = await upTo(first)
    const repository = await reopened(store)
    const { head } = await backUp(repository, bytes)
    t.equal(head.split(':')[0], String(first + 1), 'an OPEN and a SNAPSHOT')
    await repository.settled()
    t.same(checkpoints(store), written === undefined ? [] : [checkpointName(written)], `from ${first} on`)
    t.equal((await reopened(store)).snapshots().length, 1)
  }
})

test('when the last ones are not there, the next is not waited for', async (t) => {
  const store = await upTo(600)
  const repository = await reopened(store)
  await backUp(repository, bytes)
  await repository.settled()
  t.same(checkpoints(store), [checkpointName(600)])
  await backUp(await reopened(store), bytes)
  t.same(checkpoints(store), [checkpointName(600)])
})

test('the newest two stay', async (t) => {
  const { store, repository } = await madeRepository()
  await repository.keys.rotate()
  await repository.keys.rotate()
  await repository.settled()
  t.same(checkpoints(store), [1, 2].map(checkpointName))
  await repository.keys.rotate()
  await repository.settled()
  t.same(checkpoints(store), [2, 3].map(checkpointName))
  t.equal((await reopened(store)).keys.epoch, 4)
})

test('a checkpoint that cannot be written, listed or cleared away fails nobody', async (t) => {
  const broken = new KpipeError('KPIPE_STORE_FULL', 'no space is left for this')
  const faults = ['create', 'list', 'remove'] as const
  for (const operation of faults) {
    const store = await upTo(255)
    for (const n of [1, 2, 3]) store.objects.set(checkpointName(n), noise(10, 'old'))
    let armed = false
    const faulty = faultyStore(store, (call) =>
      armed && call.operation === operation && call.name.startsWith('checkpoint/') ? { kind: 'fail', error: () => broken } : undefined,
    )
    const repository = await reopened(faulty as Store)
    armed = true
    await backUp(repository, bytes)
    await repository.settled()
    t.ok(faulty.fired.length > 0, `${operation} has failed`)
    t.equal((await reopened(store)).snapshots().length, 1)
  }
})

test('a writer that dies between its entry and the checkpoint leaves a repository that is whole, and the next one writes it', async (t) => {
  const store = await upTo(256)
  let crashed = memoryStore()
  const watched: Store = {
    ...store,
    create(name, parts) {
      if (name.startsWith('checkpoint/')) crashed = memoryStore(store.objects)
      return store.create(name, parts)
    },
  }
  const repository = await reopened(watched)
  const writer = await begin(repository)
  await repository.settled()
  t.ok(crashed.objects.has(entryName(256)), 'the entry was durable before')
  t.same(checkpoints(crashed), [])
  await writer.abort('over')
  const after = await reopened(crashed)
  t.equal(after.snapshots().length, 0)
  await backUp(after, bytes)
  await fillTo(crashed, 511)
  const later = await reopened(crashed)
  await backUp(later, bytes)
  await later.settled()
  t.same(checkpoints(crashed), [checkpointName(512)])
})

test('the entry is answered for before its checkpoint is there', async (t) => {
  const store = await upTo(256)
  let release = (): void => undefined
  const held = new Promise<void>((resolve) => (release = resolve))
  const slow: Store = {
    ...store,
    async create(name, parts) {
      if (name.startsWith('checkpoint/')) await held
      return store.create(name, parts)
    },
  }
  const repository = await reopened(slow)
  await backUp(repository, bytes)
  t.same(checkpoints(store), [])
  release()
  await repository.settled()
  t.same(checkpoints(store), [checkpointName(256)])
})

test('two who write at once harm each other in nothing, and removing all checkpoints costs time alone', async (t) => {
  const store = await upTo(254)
  const repositories = [await reopened(store), await reopened(store), await reopened(store)]
  await Promise.all(repositories.map((repository, index) => backUp(repository, bytes, { name: `n${index}` })))
  await Promise.all(repositories.map((repository) => repository.settled()))
  t.same(checkpoints(store), [checkpointName(256)])
  const counted = countingStore(store)
  t.equal((await reopened(counted)).snapshots().length, 3)
  t.notOk(counted.reads.includes(entryName(100)))
  t.same((await repositories[0].check({})).damages, [])
  store.objects.delete(checkpointName(256))
  t.equal((await reopened(store)).snapshots().length, 3)
})

test('no checkpoint is written of a log that has lost an entry, or holds one that is not known', async (t) => {
  const store = await upTo(257)
  const { ring, log } = await openLog(store)
  const writer = new CheckpointWriter({ store, ring, genesis: log.digestOf(0)!, checkpoints: [] })
  writer.appended(nothing, { ...log.state, lost: new Map([[7, { n: 7, digest: undefined, reason: 'test' }]]) })
  writer.appended(nothing, { ...log.state, laterKinds: new Set(['TELEPORT']) })
  await writer.settled()
  t.same(checkpoints(store), [])
  writer.appended(nothing, log.state)
  await writer.settled()
  t.same(checkpoints(store), [checkpointName(256)])
})

function checkpoints(store: MemoryStore): string[] {
  return [...store.objects.keys()].filter((name) => name.startsWith('checkpoint/')).toSorted()
}
