import { KpipeError } from '@kpipe/engine/contracts'
import type { Store } from '@kpipe/engine/contracts'
import { initRepository, newRecoveryPhrase } from '../src/index.ts'
import type { BackupWriter, Repository } from '../src/index.ts'
import { keyFile, noise, reopened } from '../test/made-repository.ts'
import { attach, begin, commit, feed, pageBytes } from '../test/paged-backup.ts'
import type { PagedBackup } from '../test/paged-backup.ts'
import { collectAll } from './collect.ts'

/** What the history was promised, and what it tried. Whatever happens, a later look at the repository must agree. */
export interface Promised {
  initialized: boolean
  /** Bytes of every backup that was begun, by the tag that it carries. */
  readonly tried: Map<string, Buffer>
  /** Ids whose commit resolved, with their bytes. */
  readonly committed: Map<string, Buffer>
  /** Ids that were to be forgotten, and those of them whose forgetting resolved. */
  readonly forgetting: Set<string>
  readonly forgotten: Set<string>
  epoch: number
  /** How many packs collections have written anew. */
  compacted: number
  /** Codes of the errors that the steps met. */
  readonly errors: string[]
}

export function nothingPromised(): Promised {
  return {
    initialized: false,
    tried: new Map(),
    committed: new Map(),
    forgetting: new Set(),
    forgotten: new Set(),
    epoch: 1,
    compacted: 0,
    errors: [],
  }
}

export function copyOfPromised(promised: Promised): Promised {
  return {
    ...promised,
    tried: new Map(promised.tried),
    committed: new Map(promised.committed),
    forgetting: new Set(promised.forgetting),
    forgotten: new Set(promised.forgotten),
    errors: [...promised.errors],
  }
}

/** What may be told when a store fails; anything else is a fault of ours. */
const expected = ['KPIPE_STORE_FULL', 'KPIPE_STORE_FORBIDDEN', 'KPIPE_STORE_FAILED', 'KPIPE_STORE_UNSUITABLE', 'KPIPE_APPEND_LOST']

export interface HistoryOptions {
  /** The store as one more process opens it. */
  readonly newStore: () => Store
  readonly promised: Promised
  /** Whether a process ends with the first error that it meets, or goes on with what it knows. */
  readonly endsWithError: boolean
  /** Whether the processes work at the same time. */
  readonly atOnce: boolean
}

/**
 * Two names that interleave, two members, a parent that is forgotten while a backup grows from it, a rotation, two collections,
 * in two processes that share a store. A step that meets an error of the store is given up, and the next one goes on.
 */
export async function playHistory({ newStore, promised, endsWithError, atOnce }: HistoryOptions): Promise<void> {
  const attempt = async <Result>(work: () => Promise<Result>): Promise<Result | undefined> => {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof KpipeError) || !expected.includes(error.code)) throw error
      promised.errors.push(error.code)
      return undefined
    }
  }
  // Whoever meets an error here runs the command again.
  await attempt(() => makeRepository(newStore(), promised))
  if (!promised.initialized) await makeRepository(newStore(), promised)
  const process = (): ((work: (repository: Repository) => Promise<void>) => Promise<void>) => {
    let repository: Repository | undefined
    return async (work) => {
      const result = await attempt(async () => {
        repository ??= await reopened(newStore())
        await work(repository).finally(() => repository!.settled())
        return true
      })
      if (result === undefined && endsWithError) repository = undefined
    }
  }
  const [first, second] = [process(), process()]
  let [slow, grown]: (Growing | undefined)[] = [undefined, undefined]
  const ids = new Map<string, string>()
  const backUp = (repository: Repository, tag: string, options: PagedBackup): Promise<void> =>
    finish(repository, promised, ids, { tag, options, writer: undefined })

  /** Two steps beside each other, or one after the other. */
  const both = async (one: () => Promise<void>, other: () => Promise<void>): Promise<void> => {
    if (atOnce) return void (await Promise.all([one(), other()]))
    await one()
    await other()
  }

  await first(async (repository) => void (slow = await start(repository, promised, 'one-1', { name: 'one' })))
  await both(
    () => second((repository) => backUp(repository, 'two-1', { name: 'two' })),
    () => first(async (repository) => void (slow && (await finish(repository, promised, ids, slow)))),
  )
  await both(
    () => first((repository) => backUp(repository, 'one-2', { name: 'one' })),
    () => second((repository) => backUp(repository, 'other-1', { name: 'one', member: 'm2' })),
  )
  // A backup grows from one-2, which is forgotten meanwhile.
  await first(async (repository) => {
    await repository.refresh()
    grown = await start(repository, promised, 'one-3', { name: 'one' })
  })
  await second(async (repository) => {
    await repository.refresh()
    await backUp(repository, 'one-4', { name: 'one' })
    await forget(repository, promised, [ids.get('one-1'), ids.get('one-2')])
  })
  await both(
    () => second((repository) => collect(repository, promised)),
    () => first(async (repository) => void (grown && (await finish(repository, promised, ids, grown)))),
  )
  await both(
    () =>
      second(async (repository) => {
        await repository.keys.rotate()
        promised.epoch = repository.keys.epoch
      }),
    () =>
      first(async (repository) => {
        await repository.refresh()
        await backUp(repository, 'two-2', { name: 'two' })
      }),
  )
  await first(async (repository) => {
    const { writer } = await start(repository, promised, 'two-3', { name: 'two' })
    await writer!.abort('given up')
  })
  await second((repository) => backUp(repository, 'other-2', { name: 'one', member: 'm2' }))
  await second((repository) => forget(repository, promised, [ids.get('two-1'), ids.get('other-1')]))
  await both(
    () => first((repository) => collect(repository, promised)),
    () => second((repository) => backUp(repository, 'one-5', { name: 'one' })),
  )
  await first((repository) => backUp(repository, 'two-4', { name: 'two' }))
}

interface Growing {
  readonly tag: string
  readonly options: PagedBackup
  readonly writer: BackupWriter | undefined
}

/** As a person does who has seen an init fail. */
export async function makeRepository(store: Store, promised: Promised): Promise<void> {
  try {
    await initRepository({ store, keyFile, recoveryPhrase: newRecoveryPhrase(), tagAlgorithm: 'sha256' })
  } catch (error) {
    if (!(error instanceof KpipeError) || error.code !== 'KPIPE_REPOSITORY_EXISTS') throw error
    // The reply to an earlier try's last step was lost; or a name only seemed taken, and then the next init makes it.
    if ((await store.read('repository')) === undefined) return makeRepository(store, promised)
  }
  promised.initialized = true
}

async function start(repository: Repository, promised: Promised, tag: string, options: PagedBackup): Promise<Growing> {
  promised.tried.set(tag, streamOf(tag))
  return { tag, options, writer: await begin(repository, options) }
}

async function finish(repository: Repository, promised: Promised, ids: Map<string, string>, growing: Growing): Promise<void> {
  const { tag, options } = growing
  const writer = growing.writer ?? (await start(repository, promised, tag, options)).writer!
  const bytes = promised.tried.get(tag)!
  try {
    await feed(repository, writer, bytes, { ...options, frameChunks: 6 })
    await attach(repository, writer, attachmentsOf(tag))
    const { snapshot } = await commit(writer, bytes, { ...options, tags: [tag], time: new Date(Date.now()) })
    promised.committed.set(snapshot.id, bytes)
    ids.set(tag, snapshot.id)
  } catch (error) {
    await writer.abort('an error').catch(() => undefined) // As the engine does; the first error is the one to tell.
    throw error
  }
}

async function forget(repository: Repository, promised: Promised, ids: readonly (string | undefined)[]): Promise<void> {
  await repository.refresh()
  const listed = repository.snapshots()
  // The newest of a name stays, and where backups failed it may be any.
  const newest = new Set(new Map(listed.map(({ id, name }) => [name, id])).values())
  const wanted = listed.map(({ id }) => id).filter((id) => ids.includes(id) && !newest.has(id))
  if (wanted.length === 0) return
  for (const id of wanted) promised.forgetting.add(id)
  await repository.forget(wanted)
  for (const id of wanted) promised.forgotten.add(id)
}

async function collect(repository: Repository, promised: Promised): Promise<void> {
  promised.compacted += (await collectAll(repository)).compacted.objects
}

/** The same name gives the same stream, and streams of one series have most pages in common. */
export function streamOf(tag: string): Buffer {
  const [series, turn = '0'] = tag.split('-')
  const pages = 20 + Number(turn) * 2
  const bytes = Buffer.concat([noise(12 * pageBytes, 'common'), noise(pages * pageBytes, series)])
  noise(3 * pageBytes, tag).copy(bytes, (12 + Number(turn)) * pageBytes)
  // A stream need not end with a whole page.
  return bytes.subarray(0, bytes.length - Number(turn) * 5)
}

/** One that never changes and one that is another each time. */
export function attachmentsOf(tag: string): Record<string, Buffer> {
  return { 'pki/ca.crt': noise(150, 'ca'), 'pki/leaf.crt': noise(60, `leaf ${tag}`) }
}
