import { KpipeError } from '@kpipe/engine/contracts'
import { mapLimit } from '../map-limit.ts'
import type { LogState, PackRecord } from '../log/state.ts'
import { readDirectory } from '../packs/read-directory.ts'
import type { Snapshot } from '../snapshot.ts'
import type { Collection } from './collect.ts'
import { markSnapshot } from './mark-snapshot.ts'
import { lineOf, markLive, openPack } from './open-pack.ts'
import type { OpenPack } from './open-pack.ts'
import { packUse } from './pack-use.ts'
import type { PackUse } from './pack-use.ts'
import { RecipeMarks } from './recipe-marks.ts'

/** Directories of so many chunks are in memory at once, with about 50 bytes a chunk. */
const chunksAtOnce = 2 ** 20
const directoriesAtOnce = 8

/** What the snapshots of one state of the log need. */
export interface Examined {
  readonly state: LogState
  readonly uses: readonly PackUse[]
  /** Packs with something that cannot be read, of which nobody can say what is needed. By number. */
  readonly untouchable: ReadonlySet<number>
  /** Ids of snapshots of which a restore decodes more than three times as many bytes as they have. */
  readonly scattered: readonly string[]
  /** Of each name and member. */
  readonly newest: readonly Newest[]
  /** The packs that are open still, when all of them were at once. */
  readonly open: ReadonlyMap<number, OpenPack> | undefined
}

/** A newest snapshot, and how much a restore of it decodes. */
export interface Newest {
  readonly id: string
  readonly bytes: number
  /** Plain bytes of all frames that it needs. */
  readonly readBytes: number
}

/** Reads the recipes of all snapshots and the directories of all packs that they use. */
export async function examine(collection: Collection, state: LogState): Promise<Examined> {
  const used = new Set([...state.snapshots.values()].flatMap(({ packs }) => packs))
  const packs = [...used].toSorted((one, other) => one - other).map((number) => state.packs.get(number)!)
  const groups = inGroups(packs)
  const untouchable = new Set<number>()
  const readBytes = new Map<string, number>()
  const uses: PackUse[] = []
  let last: ReadonlyMap<number, OpenPack> = new Map()
  for (const group of groups) {
    last = await openAndMark(collection, state, group, untouchable, readBytes)
    uses.push(...[...last.values()].map(packUse))
  }
  const bytesOf = ({ manifest }: Snapshot): number => manifest.streams.reduce((sum, { bytes }) => sum + bytes, 0)
  const all = collection.snapshots.all(state)
  const measured = ({ id }: Snapshot): number => readBytes.get(id) ?? 0
  const scattered = all.filter((snapshot) => measured(snapshot) > 3 * bytesOf(snapshot)).map(({ id }) => id)
  const newest = byNameAndMember(all).map((group) => group.at(-1)!)
  return {
    state,
    uses,
    untouchable,
    scattered,
    newest: newest.map((snapshot) => ({ id: snapshot.id, bytes: bytesOf(snapshot), readBytes: measured(snapshot) })),
    open: groups.length === 1 ? last : undefined,
  }
}

/**
 * Opens packs and marks what snapshots need in them.
 * @param untouchable packs of which that cannot be told are added
 * @param readBytes plain bytes of the frames that each snapshot needs, to be added to
 */
export async function openAndMark(
  { store, ring, snapshots, options, tally }: Collection,
  state: LogState,
  packs: readonly PackRecord[],
  untouchable: Set<number>,
  readBytes: Map<string, number>,
): Promise<Map<number, OpenPack>> {
  const open = new Map<number, OpenPack>()
  const directories = await mapLimit(packs, directoriesAtOnce, async (pack) => {
    options.signal?.throwIfAborted()
    return await unlessDamaged(() => readDirectory(store, ring, pack, 'the collection'))
  })
  let frames = 0
  directories.forEach((directory, index) => {
    if (typeof directory === 'string') {
      untouchable.add(packs[index].number)
      tally.notice(`it stays as it is: ${directory}`)
      return
    }
    open.set(packs[index].number, openPack(packs[index], directory, frames))
    frames += directory.frames.length
  })
  const marks = new RecipeMarks({ store, ring, state, open, frames })
  const readable = new Set<string>()
  for (const [index, group] of byNameAndMember(snapshots.all(state)).entries()) {
    for (const snapshot of group) {
      options.signal?.throwIfAborted()
      const line = snapshot === group.at(-1) ? lineOf(index) : 0
      const marked = await unlessDamaged(() => markSnapshot(marks, snapshot, line, untouchable))
      if (typeof marked === 'string') {
        tally.notice(marked)
        continue
      }
      readable.add(snapshot.id)
      readBytes.set(snapshot.id, (readBytes.get(snapshot.id) ?? 0) + marked)
    }
  }
  // What the others need, nobody knows.
  for (const { id, packs: numbers } of state.snapshots.values())
    if (!readable.has(id)) for (const number of numbers) untouchable.add(number)
  markHealing(state, open)
  return open
}

/** A copy that heals stays, also one that no snapshot needs: the log leads every snapshot to it that has the chunk some day. */
function markHealing({ healed }: LogState, open: ReadonlyMap<number, OpenPack>): void {
  for (const [tag, numbers] of healed) {
    for (const number of numbers) {
      const pack = open.get(number)
      if (pack !== undefined) markLive(pack, Buffer.from(tag, 'hex'), 0)
    }
  }
}

/** The result, or a sentence when bytes are proven wrong or missing. */
async function unlessDamaged<Result>(work: () => Promise<Result>): Promise<Result | string> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof KpipeError && error.exitCode === 65) return error.message
    throw error
  }
}

/** In groups, each oldest first: neighbours have most of their recipes in common. */
function byNameAndMember(snapshots: readonly Snapshot[]): Snapshot[][] {
  return [...Map.groupBy(snapshots, ({ name, member }) => JSON.stringify([name, member])).values()]
}

/** A directory has 6 bytes a chunk at the least. */
function inGroups(packs: readonly PackRecord[]): PackRecord[][] {
  const groups: PackRecord[][] = []
  let chunks = Infinity
  for (const pack of packs) {
    const own = Math.ceil(pack.directoryBytes / 6)
    if (chunks + own > chunksAtOnce) {
      groups.push([])
      chunks = 0
    }
    groups.at(-1)!.push(pack)
    chunks += own
  }
  return groups
}
