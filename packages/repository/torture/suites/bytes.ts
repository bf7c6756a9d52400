import { alteredFault, isNeeded, isRefusal, knownRepository, replacing, restoredFault, said } from '../altered-repository.ts'
import type { KnownRepository } from '../altered-repository.ts'
import type { Repository } from '../../src/index.ts'
import { dice, reopened } from '../../test/made-repository.ts'
import type { Suite, Trial } from '../suite.ts'

const changes = ['one bit flipped', 'zeroed', 'set to 255'] as const
/** Of so many cases one is looked at as a whole, with a check; the others by what reads the object first. */
const wholeLookEvery = 16

/** Every byte of a small repository in turn is another one. */
export const bytesSuite: Suite = {
  name: 'bytes',
  kinds: changes,
  async run(trial) {
    const known = await knownRepository(`${trial.seed} bytes`)
    const repository = await reopened(known.store)
    for (const [name, bytes] of new Map(known.store.objects)) {
      for (let at = 0; at < bytes.length; at++) {
        for (const change of changes) await alter(trial, known, repository, name, at, change)
      }
    }
  },
}

async function alter(
  trial: Trial,
  known: KnownRepository,
  open: Repository,
  name: string,
  at: number,
  change: (typeof changes)[number],
): Promise<void> {
  const number = trial.next(change)
  if (number === undefined) return
  const bytes = known.store.objects.get(name)!
  const altered = Uint8Array.from(bytes)
  if (change === 'one bit flipped') altered[at] ^= 1 << Math.floor(dice(trial.seed * 1_000_003 + number)() * 8)
  else altered[at] = change === 'zeroed' ? 0 : 255
  if (altered[at] === bytes[at]) return
  trial.count(change)
  const fault = await replacing(known.store, new Map([[name, altered]]), () => {
    if (number % wholeLookEvery === 0) return alteredFault(known, isNeeded(known, name))
    return name.startsWith('packs/') ? readersFault(known, open, name, number) : openingFault(known, name, number)
  })
  if (fault !== undefined) trial.fail(number, `byte ${at} of ${name} ${change}: ${fault}`)
}

/** A repository that was opened before reads the pack. */
async function readersFault(known: KnownRepository, open: Repository, name: string, number: number): Promise<string | undefined> {
  const snapshots = known.readers.get(name) ?? []
  if (snapshots.length === 0) return undefined
  const { fault } = await restoredFault(known, open, snapshots[number % snapshots.length])
  return fault
}

/** What is altered is read when a repository is opened. Then one of its snapshots is restored. */
async function openingFault(known: KnownRepository, name: string, number: number): Promise<string | undefined> {
  let repository: Repository
  try {
    repository = await reopened(known.store)
  } catch (error) {
    return isRefusal(error) ? undefined : said(error)
  }
  if (name === 'repository') return 'it is opened with another marker'
  // Older entries than that of a checkpoint are read by a check only.
  const isRead = name.startsWith('log/') && name.slice('log/'.length) > known.checkpoint
  if (isRead && !repository.lost.some((sentence) => sentence.includes(name))) return 'the entry is not told as lost'
  const listed = repository.snapshots()
  const { fault } = listed.length === 0 ? {} : await restoredFault(known, repository, listed[number % listed.length])
  return fault
}
