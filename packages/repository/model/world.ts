import type { Entry } from '../src/log/entry.ts'
import { beginState, fold } from '../src/log/fold.ts'
import { packId } from '../src/log/new-packs.ts'
import type { Genesis, Payload } from '../src/log/payload.ts'
import type { LogState } from '../src/log/state.ts'

// Names in the model are short: a writer and its one snapshot are a letter, a pack is "W0", a chunk is a letter.

/** A pack object as it was stored. What a directory lists never changes; whether its chunks can be read may. */
export interface MadePack {
  readonly tags: readonly string[]
  readonly epoch: number
}

/** What one actor knows and does; plain values only. */
export interface Actor {
  readonly name: string
  /** Index of its next step. */
  readonly at: number
  readonly memory: Memory
}

export interface Memory {
  readonly [field: string]: unknown
}

/** One state of the whole: log, store, everybody's program, and what the proof remembers besides. */
export interface World {
  readonly state: LogState
  /** Names of the pack objects that the store has. */
  readonly objects: ReadonlySet<string>
  /** All that ever were. */
  readonly made: ReadonlyMap<string, MadePack>
  /** Numbers of all packs that the log ever knew. */
  readonly numbers: ReadonlyMap<string, number>
  /** Copies of chunks that cannot be read any more: "<chunk> <pack>". */
  readonly rotten: ReadonlySet<string>
  /** Those that DAMAGED entries have named, or that somebody should have noticed. */
  readonly told: ReadonlySet<string>
  /** All writers that ever had an OPEN. */
  readonly opened: ReadonlySet<string>
  /** Recipe of each snapshot: the pack that it names for each chunk. */
  readonly recipes: ReadonlyMap<string, Recipe>
  /** Snapshots that were acknowledged, and that nobody who may forget has forgotten. */
  readonly owed: ReadonlySet<string>
  /** Chunks that a snapshot has lost to rot, which nobody owes: "<snapshot> <chunk>". */
  readonly excused: ReadonlySet<string>
  readonly actors: readonly Actor[]
  /** The newest entry; what came before hangs on it. */
  readonly last: Appended | undefined
  /** What an actor saw that must not be. */
  readonly fault: string | undefined
}

export interface Appended {
  readonly payload: Payload
  readonly before: Appended | undefined
}

/** Chunk to pack. */
export type Recipe = Readonly<Record<string, string>>

export type Fold = (state: LogState, entry: Entry) => LogState

const digest = Buffer.alloc(32)
const genesis: Genesis = { kind: 'GENESIS', time: 0, tool: 'model', tag_algorithm: 'sha256', marker: digest, slots: [] }

export const foldOne: Fold = (state, entry) => fold(state, [entry])

export function emptyWorld(): World {
  const entry = { n: 0, epoch: 1, previous: digest, payload: genesis, digest }
  return {
    state: beginState(entry),
    objects: new Set(),
    made: new Map(),
    numbers: new Map(),
    rotten: new Set(),
    told: new Set(),
    opened: new Set(),
    recipes: new Map(),
    owed: new Set(),
    excused: new Set(),
    actors: [],
    last: undefined,
    fault: undefined,
  }
}

/**
 * What `Log.append` comes to. A writer that loses the race for a number folds what others appended, looks again, and tries the next
 * one: so its last look is at the very state that its entry follows, and looks before that one can only make it give up earlier,
 * which here is an actor that takes no further step. Whoever appends has therefore checked `world.state`.
 */
export function append(world: World, foldEntry: Fold, payload: Payload, epoch = world.state.epoch): World {
  const state = foldEntry(world.state, { n: world.state.head.n + 1, epoch, previous: digest, payload, digest })
  const opened = payload.kind === 'OPEN' ? new Set(world.opened).add(shortName(Buffer.from(payload.writer).toString('hex'))) : world.opened
  const numbers = [...state.packsById.values()].filter(({ id }) => !world.numbers.has(shortPack(id)))
  const last = { payload, before: world.last }
  const known =
    numbers.length === 0 ? world.numbers : new Map([...world.numbers, ...numbers.map(({ id, number }) => [shortPack(id), number] as const)])
  return { ...world, state, opened, last, numbers: known }
}

export function withActor(world: World, actor: Actor): World {
  return { ...world, actors: world.actors.map((other) => (other.name === actor.name ? actor : other)) }
}

export function makePack(world: World, pack: string, tags: readonly string[]): World {
  const made = new Map(world.made).set(pack, { tags: tags.toSorted(), epoch: world.state.epoch })
  return { ...world, made, objects: new Set(world.objects).add(pack) }
}

export function removePacks(world: World, packs: readonly string[]): World {
  return { ...world, objects: world.objects.difference(new Set(packs)) }
}

export function writerId(name: string): Uint8Array {
  return Buffer.alloc(8, name)
}

export function writerHex(name: string): string {
  return name.charCodeAt(0).toString(16).repeat(8)
}

export function packHex(pack: string): string {
  return packId(writerId(pack[0]), Number(pack.slice(1)))
}

export function shortPack(hex: string): string {
  const known = shortPacks.get(hex)
  if (known !== undefined) return known
  const short = String.fromCharCode(Number.parseInt(hex.slice(0, 2), 16)) + Number.parseInt(hex.slice(16), 16)
  shortPacks.set(hex, short)
  return short
}

const shortPacks = new Map<string, string>()

export function snapshotHex(name: string): string {
  return name.charCodeAt(0).toString(16).repeat(32)
}

export function tagHex(tag: string): string {
  return tag.charCodeAt(0).toString(16).repeat(16)
}

/** Of a writer, a snapshot or a chunk. */
export function shortName(hex: string): string {
  return String.fromCharCode(Number.parseInt(hex.slice(0, 2), 16))
}
