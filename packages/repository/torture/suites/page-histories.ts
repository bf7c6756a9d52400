import { createHash } from 'node:crypto'
import { memoryStore } from '@kpipe/engine/testing'
import { initRepository, wholeShare } from '../../src/index.ts'
import type { Repository } from '../../src/index.ts'
import { dice, keyFile, reopened } from '../../test/made-repository.ts'
import { backUp, restore } from '../../test/paged-backup.ts'
import { said } from '../altered-repository.ts'
import { collectAll } from '../collect.ts'
import { determineWorld } from '../determined-world.ts'
import { changes, pageFile } from '../page-history.ts'
import type { PageFile } from '../page-history.ts'
import { proving } from '../soundness.ts'
import type { Suite, Trial } from '../suite.ts'

const seeds = 2_100
const deepEvery = 40
const deep = 200
const manyPartsEvery = 120
/** A recipe part has 65,536 chunks. */
const manyParts = { pageBytes: 16, most: 140_000, depth: 5 }
const sizes = [4096, 16_384, 65_536]
const maxBytes = 384 * 1024
const names = [
  { name: 'one', member: 'm1' },
  { name: 'two', member: 'm1' },
  { name: 'one', member: 'm2' },
] as const

const [pagesOf, depth200, parts, contentDefined, reopening, forgotten, collected, rotated] = [
  (bytes: number): string => `${bytes / 1024} KiB pages`,
  '200 snapshots deep',
  'several recipe parts',
  'content-defined chunks',
  'another process',
  'forgotten',
  'collected',
  'rotated',
] as const

/** Random histories of files of pages; every snapshot that is not forgotten restores to the bytes that it was made of. */
export const pageHistoriesSuite: Suite = {
  name: 'page-histories',
  kinds: [...changes, ...sizes.map(pagesOf), depth200, parts, contentDefined, reopening, forgotten, collected, rotated],
  async run(trial) {
    for (let index = 1; index <= seeds; index++) {
      const number = trial.next(index % manyPartsEvery === 0 ? parts : index % deepEvery === 1 ? depth200 : undefined)
      if (number === undefined) continue
      determineWorld(`${trial.seed} page history ${number}`)
      try {
        await play(trial, number)
      } catch (error) {
        trial.fail(number, said(error))
      }
    }
  },
}

interface Shape {
  readonly pageBytes: number
  readonly most: number
  readonly depth: number
  readonly contentDefined: boolean
}

async function play(trial: Trial, number: number): Promise<void> {
  const roll = dice(trial.seed * 1_000_003 + number)
  const shape = shapeOf(trial, number, roll)
  const store = memoryStore()
  await initRepository({ store, keyFile, recoveryPhrase: undefined, tagAlgorithm: 'sha256' })
  let repository = await reopened(store)
  const files = names.map(({ name, member }) => pageFile(shape.pageBytes, shape.most, `${number} ${name} ${member}`, roll() < 0.5, roll))
  const digests = new Map<string, string>()
  for (let step = 0; step < shape.depth; step++) {
    // The deep ones are deep in one name.
    const which = shape.depth === deep ? (roll() < 0.03 ? 1 : 0) : Math.floor(roll() * names.length)
    const kind = changes[Math.floor(roll() * changes.length)]
    files[which].change(kind)
    trial.count(kind)
    const { bytes, id } = await backedUp(repository, files[which], names[which], shape, roll)
    digests.set(id, digestOf(bytes))
    repository = await inBetween(trial, repository, store, digests, roll)
  }
  const fault = await compare(repository, digests)
  if (fault !== undefined) trial.fail(number, fault)
}

function shapeOf(trial: Trial, number: number, roll: () => number): Shape {
  if (number % manyPartsEvery === 0) {
    trial.count(parts)
    return { ...manyParts, contentDefined: false }
  }
  const pageBytes = sizes[Math.floor(roll() * sizes.length)]
  trial.count(pagesOf(pageBytes))
  const isDeep = number % deepEvery === 1
  if (isDeep) trial.count(depth200)
  const isContentDefined = !isDeep && roll() < 0.15
  if (isContentDefined) trial.count(contentDefined)
  const most = Math.max(3, Math.floor(maxBytes / pageBytes / (isDeep ? 2 : 1)))
  return { pageBytes, most, depth: isDeep ? deep : 2 + Math.floor(roll() * 14), contentDefined: isContentDefined }
}

async function backedUp(
  repository: Repository,
  file: PageFile,
  name: (typeof names)[number],
  { pageBytes, contentDefined }: Shape,
  roll: () => number,
): Promise<{ bytes: Buffer; id: string }> {
  const { bytes } = file
  const lengths = contentDefined ? { lengths: cutsOf(bytes, pageBytes) } : {}
  const frameChunks = 1 + Math.floor(roll() * 40) * (bytes.length / pageBytes > 1000 ? 200 : 1)
  const { snapshot } = await backUp(repository, bytes, { ...name, ...lengths, pageBytes, frameChunks, time: new Date(Date.now()) })
  return { bytes, id: snapshot.id }
}

/** Cuts that follow from the bytes in front of them, as those of a content-defined chunker. */
function cutsOf(bytes: Buffer, pageBytes: number): Uint32Array {
  const lengths: number[] = []
  for (let at = 0; at < bytes.length;) {
    const length = Math.min(bytes.length - at, pageBytes / 2 + (bytes[at] / 255) * pageBytes, pageBytes * 2)
    lengths.push(Math.max(1, Math.floor(length)))
    at += lengths.at(-1)!
  }
  return Uint32Array.from(lengths)
}

/** Now and then somebody forgets, collects or rotates, and most steps are another process's. */
async function inBetween(
  trial: Trial,
  repository: Repository,
  store: ReturnType<typeof memoryStore>,
  digests: Map<string, string>,
  roll: () => number,
): Promise<Repository> {
  if (roll() < 0.1) {
    const newest = new Set(new Map(repository.snapshots().map(({ id, name }) => [name, id])).values())
    const gone = [...digests.keys()].filter((id) => !newest.has(id) && roll() < 0.5)
    if (gone.length > 0) {
      await repository.forget(gone)
      for (const id of gone) digests.delete(id)
      trial.count(forgotten)
    }
  }
  if (roll() < 0.04) {
    await repository.keys.rotate()
    trial.count(rotated)
  }
  if (roll() < 0.06) {
    await collectAll(repository)
    trial.count(collected)
  }
  await repository.settled()
  if (roll() < 0.7) return repository
  trial.count(reopening)
  return reopened(store)
}

async function compare(repository: Repository, digests: ReadonlyMap<string, string>): Promise<string | undefined> {
  const listed = repository.snapshots()
  if (listed.length !== digests.size) return `${listed.length} snapshots are listed instead of ${digests.size}`
  for (const snapshot of listed) {
    if (digestOf(await restore(repository, snapshot)) !== digests.get(snapshot.id)) return `${snapshot.shortId} restores to other bytes`
  }
  const { damages } = await repository.check({ read: { share: wholeShare, prove: proving(repository) } })
  return damages.length === 0 ? undefined : damages.map(({ object, problem }) => `${object}: ${problem}`).join('; ')
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
