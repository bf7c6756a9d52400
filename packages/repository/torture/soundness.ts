import { KpipeError } from '@kpipe/engine/contracts'
import type { Store } from '@kpipe/engine/contracts'
import { initRepository, wholeShare } from '../src/index.ts'
import type { ProveFrame, Repository, Snapshot } from '../src/index.ts'
import { keyFile, reopened } from '../test/made-repository.ts'
import { backUp, restore, tagOf } from '../test/paged-backup.ts'
import { collectAll } from './collect.ts'
import { attachmentsOf, streamOf } from './history.ts'
import type { Promised } from './history.ts'

/**
 * Opens a repository as after an accident, and says in a sentence what is wrong with it, if anything is: all that was promised is
 * there, what was only tried is there as a whole or not at all, the next backups work, and a check finds no damage.
 */
export async function faultOf(newStore: () => Store, promised: Promised): Promise<string | undefined> {
  try {
    return await lookAt(newStore(), promised)
  } catch (error) {
    return `${(error as { code?: string }).code ?? ''} ${(error as Error).stack}`
  }
}

async function lookAt(store: Store, promised: Promised): Promise<string | undefined> {
  const repository = await openedAgain(store, promised)
  if (repository.lost.length > 0) return `lost: ${repository.lost.join('; ')}`
  if (repository.keys.epoch < promised.epoch) return `epoch ${repository.keys.epoch}, but ${promised.epoch} was begun`
  const listed = repository.snapshots()
  for (const [id, bytes] of promised.committed) {
    const snapshot = listed.find((one) => one.id === id)
    if (snapshot === undefined && !promised.forgetting.has(id)) return `committed snapshot ${id} is gone`
    if (snapshot !== undefined && !(await isWhole(repository, snapshot, bytes))) return `snapshot ${id} differs`
  }
  for (const snapshot of listed) {
    if (promised.forgotten.has(snapshot.id)) return `forgotten snapshot ${snapshot.id} is listed`
    if (promised.committed.has(snapshot.id)) continue
    const bytes = promised.tried.get(snapshot.tags[0])
    if (bytes === undefined || !(await isWhole(repository, snapshot, bytes))) return `${snapshot.id} is nothing that was backed up`
  }
  for (const [name, tag] of [
    ['one', 'one-7'],
    ['two', 'two-7'],
  ] as const) {
    // prettier-ignore
    const bytes = streamOf(tag)
    const { snapshot, attention } = await backUp(repository, bytes, {
      name,
      tags: [tag],
      frameChunks: 6,
      time: new Date(Date.now()),
      attachments: attachmentsOf(tag),
    })
    if (attention.length > 0) return `the next backup says: ${attention.join('; ')}`
    if (!(await isWhole(repository, snapshot, bytes))) return `the next backup of ${name} differs`
  }
  const { attention } = await collectAll(repository, true)
  if (attention.length > 0) return `the next collection says: ${attention.join('; ')}`
  for (const snapshot of repository.snapshots()) {
    const bytes = promised.tried.get(snapshot.tags[0]) ?? streamOf(snapshot.tags[0])
    if (!(await isWhole(repository, snapshot, bytes))) return `after a collection snapshot ${snapshot.id} differs`
  }
  const { damages, unneeded, notRecorded } = await repository.check({ read: { share: wholeShare, prove: proving(repository) } })
  if (notRecorded !== undefined) return `the check was not recorded: ${notRecorded}`
  if (unneeded.length > 0) return `the check finds what nobody needs: ${JSON.stringify(unneeded)}`
  await repository.settled()
  return damages.length === 0 ? undefined : damages.map(({ object, problem }) => `${object}: ${problem}`).join('; ')
}

/** The stream and the attachments that were stored with it. */
async function isWhole(repository: Repository, snapshot: Snapshot, bytes: Buffer): Promise<boolean> {
  for (const [name, attachment] of Object.entries(attachmentsOf(snapshot.tags[0])))
    if (!(await restore(repository, snapshot, name)).equals(attachment)) return false
  return (await restore(repository, snapshot)).equals(bytes)
}

/** Where an init did not come to its end, another one makes the repository. */
async function openedAgain(store: Store, promised: Promised): Promise<Repository> {
  try {
    return await reopened(store)
  } catch (error) {
    if (promised.initialized || !(error instanceof KpipeError) || error.code !== 'KPIPE_NO_REPOSITORY') throw error
    await initRepository({ store, keyFile, recoveryPhrase: undefined, tagAlgorithm: 'sha256' })
    return reopened(store)
  }
}

/** What the engine's workers do, for a codec that changes nothing. */
export function proving({ tagKey }: Repository): ProveFrame {
  return async ({ bytes, ends }, slots, tags) => {
    slots.forEach((slot, index) => {
      const chunk = bytes.subarray(slot === 0 ? 0 : ends[slot - 1], ends[slot])
      if (Buffer.compare(tagOf(tagKey, chunk), tags.subarray(index * 16, index * 16 + 16)) !== 0)
        throw new KpipeError('KPIPE_DAMAGED', 'a chunk does not have the tag that its recipe names')
    })
  }
}
