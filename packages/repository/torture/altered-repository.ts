import { KpipeError } from '@kpipe/engine/contracts'
import { memoryStore } from '@kpipe/engine/testing'
import type { MemoryStore } from '@kpipe/engine/testing'
import { wholeShare } from '../src/index.ts'
import type { Repository, Snapshot } from '../src/index.ts'
import { reopened } from '../test/made-repository.ts'
import { restore } from '../test/paged-backup.ts'
import { nothingPromised, playHistory } from './history.ts'
import { determineWorld } from './determined-world.ts'
import { proving } from './soundness.ts'

/** A small repository of which all is known, to be altered and looked at. */
export interface KnownRepository {
  readonly store: MemoryStore
  /** Bytes of every snapshot that there ever was, forgotten ones included. */
  readonly truth: ReadonlyMap<string, Buffer>
  /** Snapshots of which a restore reads the object, by its name. */
  readonly readers: ReadonlyMap<string, readonly Snapshot[]>
  readonly live: readonly Snapshot[]
  readonly head: string
  /** Digits of the newest entry that has a checkpoint. */
  readonly checkpoint: string
}

const checkpointPrefix = 'checkpoint/'

/** What a reader may say of bytes that are not what was written. */
const refusals = ['KPIPE_DAMAGED', 'KPIPE_OBJECT_MISSING', 'KPIPE_KEY_WRONG', 'KPIPE_NO_REPOSITORY', 'KPIPE_FORMAT_UNSUPPORTED']

export async function knownRepository(seed: string): Promise<KnownRepository> {
  determineWorld(seed)
  const store = memoryStore()
  const promised = nothingPromised()
  await playHistory({ newStore: () => store, promised, endsWithError: true, atOnce: false })
  const drilled = await reopened(store)
  await drilled.recordDrill(drilled.snapshots()[0].id, { level: 'booted', passed: true, note: 'ready' })
  await drilled.settled()
  const readers = new Map<string, Snapshot[]>()
  const read = new Set<string>()
  const listening = {
    ...store,
    read: (name: string, range?: { offset: number; length: number }) => (read.add(name), store.read(name, range)),
  }
  const repository = await reopened(listening)
  const live = repository.snapshots()
  for (const snapshot of live) {
    read.clear()
    for (const { name } of snapshot.manifest.streams) await restore(repository, snapshot, name)
    for (const name of read) readers.set(name, [...(readers.get(name) ?? []), snapshot])
  }
  const checkpoints = [...store.objects.keys()].filter((name) => name.startsWith(checkpointPrefix))
  return {
    store,
    truth: promised.committed,
    readers,
    live,
    head: repository.head,
    checkpoint: checkpoints.toSorted().at(-1)?.slice(checkpointPrefix.length) ?? '',
  }
}

/** Whether a check must notice that the object is another one. */
export function isNeeded({ readers }: KnownRepository, name: string): boolean {
  return name.startsWith('packs/') ? readers.has(name) : !name.startsWith(checkpointPrefix)
}

/** Restores a snapshot. Resolves with what is wrong, if it is neither its bytes nor a refusal, and with whether it was refused. */
export async function restoredFault(
  { truth }: KnownRepository,
  repository: Repository,
  snapshot: Snapshot,
): Promise<{ fault?: string; refused: string | undefined }> {
  const bytes = truth.get(snapshot.id)
  if (bytes === undefined) return { fault: `${snapshot.id} is listed and was never made`, refused: undefined }
  try {
    const restored = await restore(repository, snapshot)
    return restored.equals(bytes) ? { refused: undefined } : { fault: `${snapshot.id} restores to other bytes`, refused: undefined }
  } catch (error) {
    return isRefusal(error) ? { refused: (error as KpipeError).message } : { fault: said(error), refused: undefined }
  }
}

/**
 * Looks at all of an altered repository. Resolves with what is wrong in a sentence: output that is not what was stored, an error
 * of no kind, or a check that overlooks what is `needed`.
 */
export async function alteredFault(known: KnownRepository, needed: boolean): Promise<string | undefined> {
  const { store, head, live } = known
  let repository: Repository
  try {
    repository = await reopened(store, { expectHead: head })
  } catch (error) {
    return isRefusal(error) ? undefined : said(error)
  }
  let noticed = repository.lost.length > 0 || repository.rollback !== undefined
  const listed = repository.snapshots()
  const missing = live.find(({ id }) => !listed.some((snapshot) => snapshot.id === id))
  if (missing !== undefined && !noticed) return `${missing.id} is missing, and nothing is said`
  for (const snapshot of listed) {
    const { fault, refused } = await restoredFault(known, repository, snapshot)
    if (fault !== undefined) return fault
    noticed ||= refused !== undefined
  }
  try {
    const { damages, unneeded, healed, notRecorded } = await repository.check({ read: { share: wholeShare, prove: proving(repository) } })
    const found = damages.length > 0 || unneeded.length > 0 || healed > 0
    if (noticed && !found && repository.rollback === undefined) return 'a restore is refused, but the check is clean'
    noticed ||= found
    const damaged = new Set(damages.flatMap(({ snapshots }) => snapshots))
    const whole = notRecorded === undefined ? listed.filter(({ id }) => !damaged.has(id)) : []
    for (const snapshot of whole) {
      const { fault, refused } = await restoredFault(known, repository, snapshot)
      if (fault !== undefined) return fault
      if (refused !== undefined) return `a check tells no damage of ${snapshot.shortId} (healed ${healed}), but: ${refused}`
    }
  } catch (error) {
    if (!isRefusal(error)) return said(error)
    noticed = true
  }
  return needed && !noticed ? 'the check overlooks it' : undefined
}

export function isRefusal(error: unknown): boolean {
  return error instanceof KpipeError && refusals.includes(error.code)
}

export function said(error: unknown): string {
  return `${(error as { code?: string }).code ?? ''} ${(error as Error).stack ?? String(error)}`
}

/** Puts other bytes under a name while `work` runs. */
export async function replacing<Result>(
  store: MemoryStore,
  changes: ReadonlyMap<string, Uint8Array | undefined>,
  work: () => Promise<Result>,
): Promise<Result> {
  const before = new Map(store.objects)
  for (const [name, bytes] of changes) {
    if (bytes === undefined) store.objects.delete(name)
    else store.objects.set(name, bytes)
  }
  try {
    return await work()
  } finally {
    store.objects.clear()
    for (const [name, bytes] of before) store.objects.set(name, bytes)
  }
}
