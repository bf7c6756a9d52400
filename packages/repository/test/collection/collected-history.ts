import type { MemoryStore } from '@kpipe/engine/testing'
import { packName } from '../../src/packs/pack-name.ts'
import { madeRepository, noise, reopened } from '../made-repository.ts'
import { backUp, begin, pageBytes, restore } from '../paged-backup.ts'
import { asProcess, deadPid, prunedNow } from './kept-history.ts'

const pages = 60

export interface History {
  readonly objects: ReadonlyMap<string, Uint8Array>
  /** What may come back, by content. */
  readonly streams: readonly Buffer[]
  /** Ids of those that must come back. */
  readonly kept: readonly string[]
}

/** Two names, two members, a forgotten parent, a rotation, an old COMPACT, a leftover. */
export async function history(): Promise<History> {
  const { store, repository } = await madeRepository()
  const bytes = noise(pages * pageBytes, 'begin')
  const streams: Buffer[] = []
  const kept: string[] = []
  const hour = async (name: string, member: string, keep: boolean): Promise<void> => {
    for (let change = 0; change < 6; change++)
      noise(pageBytes, `${streams.length} ${change}`).copy(bytes, ((streams.length * 7 + change * 11) % pages) * pageBytes)
    const stream = Buffer.from(bytes)
    streams.push(stream)
    const { snapshot } = await backUp(repository, stream, { name, member })
    if (keep) kept.push(snapshot.id)
  }
  const forget = async (): Promise<void> => {
    const going = repository.snapshots().filter(({ id }) => !kept.includes(id))
    await repository.forget(going.map(({ id }) => id))
  }
  for (const keep of [true, false, false, true]) await hour('one', 'm1', keep)
  for (const keep of [false, true]) await hour('one', 'm2', keep)
  await hour('two', 'm1', true)
  await forget()
  await prunedNow(repository)
  await repository.keys.rotate()
  for (const keep of [false, true]) await hour('two', 'm1', keep)
  for (const keep of [false, false, true]) await hour('one', 'm1', keep)
  await backUp(repository, noise(20 * pageBytes, 'three'), { name: 'three' })
  await hour('three', 'm1', true)
  await forget()
  const aborted = await begin(repository, { name: 'aborted' })
  const [{ id }] = (await repository.prune({})).openWriters
  store.objects.set(packName(`${id}${'0'.repeat(16)}`), noise(5000, 'leftover'))
  await aborted.abort('a test')
  await asProcess(deadPid(), () => begin(repository, { name: 'died' }))
  return { objects: store.objects, streams, kept }
}

/** Everything that must be there is, and whole; collections come to an end that leaves nothing to do. */
export async function fault(store: MemoryStore, { streams, kept }: History, more: readonly string[]): Promise<string | undefined> {
  const repository = await reopened(store)
  for (const id of [...kept, ...more]) {
    const snapshot = repository.snapshots().find((one) => one.id === id)
    if (snapshot === undefined) return `${id} is gone`
    const restored = await restore(repository, snapshot).catch(String)
    if (typeof restored === 'string') return restored
    if (!streams.some((stream) => stream.equals(restored))) return `${id} differs`
  }
  if (repository.snapshots().length !== kept.length + more.length) return 'a snapshot came to be that nobody made'
  if ((await repository.check({})).damages.length > 0) return 'the check is not clean'
  return undefined
}

export async function settled(store: MemoryStore): Promise<string | undefined> {
  const repository = await reopened(store)
  for (let round = 0; round < 3; round++) await prunedNow(repository, { openTtlMs: 0, reseal: true })
  const report = await repository.prune({ maxUnused: { bytes: 0 }, sweepDelayMs: 0, reseal: true })
  const left = [report.condemned, report.swept, report.waiting, report.leftovers, report.compacted]
  if (left.some(({ objects }) => objects > 0) || report.unusedBytes > 0) return `collections do not settle: ${JSON.stringify(report)}`
  return undefined
}
