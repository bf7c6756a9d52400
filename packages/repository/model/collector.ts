import { encodePackNumbers } from '../src/log/pack-numbers.ts'
import type { Payload } from '../src/log/payload.ts'
import type { LogState } from '../src/log/state.ts'
import { VarintWriter } from '../src/varint.ts'
import type { Rules } from './rules.ts'
import { listing, packsOf } from './places.ts'
import { done, givenUp } from './step.ts'
import type { Move, Step } from './step.ts'
import { append, makePack, packHex, removePacks, shortName, shortPack, tagHex, writerHex, writerId } from './world.ts'
import type { Actor, World } from './world.ts'

/** What a collector sees in all snapshots up to one entry. */
export interface Examined {
  /** Packs that no snapshot uses. */
  readonly dead: readonly string[]
  /** Packs that some use, with what must be kept of each. */
  readonly keep: Readonly<Record<string, string>>
}

export interface CollectorOptions {
  /** What it rewrites: packs with something dead in them (the default), all that are used, as small ones are, or any one or two of them. */
  readonly rewrites?: 'wasteful' | 'all' | 'any'
}

/** OPEN, before anything is examined. */
export const open: Step = (world, actor, rules) => {
  const payload: Payload = { kind: 'OPEN', time: 0, writer: writerId(actor.name), tool: '', host: '', boot: '', pid: 0 }
  return [done(append(world, rules.fold, payload), actor, 'OPEN', { epoch: world.state.epoch })]
}

export const examine: Step = (world, actor, rules) => {
  const examined = rules.examine(world)
  const { n } = world.state.head
  return [done(world, actor, `examines all up to entry ${n}: ${toldOf(examined)}`, { examined, upTo: n })]
}

export const condemn: Step = (world, actor, rules) => {
  const { dead } = actor.memory['examined'] as Examined
  const packs = dead.filter((pack) => rules.mayCondemn(world, pack))
  if (packs.length === 0) return [done(world, actor, 'condemns nothing')]
  const payload: Payload = { kind: 'CONDEMN', time: 0, packs: numbersOf(world, packs) }
  return [done(append(world, rules.fold, payload), actor, `CONDEMN ${packs.join(' ')}`)]
}

/** Copies what lives of some packs into one new pack. */
export function copy({ rewrites = 'wasteful' }: CollectorOptions = {}): Step {
  return (world, actor, rules) => {
    const { keep } = actor.memory['examined'] as Examined
    const all = Object.keys(keep)
    const wasteful = all.filter((pack) => keep[pack].length < (world.made.get(pack)?.tags.length ?? 0))
    const choices = {
      wasteful: [wasteful],
      all: [all],
      any: all.flatMap((pack, at) => [[pack], ...all.slice(at + 1).map((other) => [pack, other])]),
    }[rewrites]
    return choices.map((old) => copyOf(world, actor, rules, old, keep))
  }
}

function copyOf(world: World, actor: Actor, rules: Rules, old: readonly string[], keep: Examined['keep']): Move {
  const tags = [...new Set(old.flatMap((pack) => [...keep[pack]]))]
  const rotten = tags.filter((tag) => old.some((pack) => keep[pack].includes(tag) && world.rotten.has(`${tag} ${pack}`)))
  const isThere = old.every((pack) => world.objects.has(pack)) && (rotten.length === 0 || rules.copiesUnread)
  if (tags.length === 0 || !isThere) return done(world, actor, 'copies nothing')
  const count = (actor.memory['packs'] as number | undefined) ?? 0
  const pack = `${actor.name}${count}`
  const label = `copies ${tags.join('')} of ${old.join(' ')} to ${pack}`
  const unread = rotten.map((tag) => `${tag} ${pack}`)
  const copied = {
    ...makePack(world, pack, tags),
    rotten: new Set([...world.rotten, ...unread]),
    told: new Set([...world.told, ...unread]),
  }
  return done(copied, actor, label, { stored: pack, old, packs: count + 1 })
}

export const compact: Step = (world, actor, rules) => {
  const old = actor.memory['old'] as readonly string[] | undefined
  if (old === undefined) return [done(world, actor, 'compacts nothing')]
  const cleared = { stored: undefined, old: undefined, examined: undefined, upTo: undefined }
  if (!rules.mayCompact(world, actor)) return [done(world, actor, 'does not compact what has changed', cleared)]
  const into = new VarintWriter()
  for (const _ of old) into.push(0)
  const upTo = rules.upTo(world, actor)
  const payload: Payload = {
    kind: 'COMPACT',
    time: 0,
    writer: writerId(actor.name),
    packs: [['D', Number((actor.memory['stored'] as string).slice(1)), 1, 1, Buffer.alloc(32)]],
    old: numbersOf(world, old),
    into: into.finish(),
    up_to: upTo,
  }
  const compacted = append(world, rules.fold, payload)
  const label = `COMPACT ${old.join(' ')} to ${actor.memory['stored'] as string}, up to ${upTo}`
  const isOld = (actor.memory['epoch'] as number) < world.state.epoch
  const fault = isOld ? `COMPACT of ${actor.name} came after the keys were rotated and its pack is sealed with the old ones` : undefined
  return [done({ ...compacted, fault }, actor, label, cleared)]
}

/** One SWEEP of all that may go. */
const sweepSome: Step = (world, actor, rules) => {
  const packs = rules.sweepable(world, actor)
  if (packs.length === 0) return world.state.condemned.size === 0 ? [done(world, actor, 'sweeps nothing')] : []
  const payload: Payload = { kind: 'SWEEP', time: 0, writer: writerId(actor.name), packs: numbersOf(world, packs) }
  return [done(append(world, rules.fold, payload), actor, `SWEEP ${packs.join(' ')}`, { swept: packs })]
}

/** Deletes what its SWEEP took away. */
const removeSwept: Step = (world, actor, rules) => {
  const packs = rules.removable(world, actor)
  if (packs.length === 0) return [done(world, actor, 'deletes nothing', { swept: undefined })]
  return [done(removePacks(world, packs), actor, `deletes ${packs.join(' ')}`, { swept: undefined })]
}

export const sweep: Step = (...all) => (all[2].sweepsFirst ? sweepSome : removeSwept)(...all)
export const remove: Step = (...all) => (all[2].sweepsFirst ? removeSwept : sweepSome)(...all)

/** A look at the log that counts for nothing, as it is older than the list of packs. */
export const look: Step = (world, actor, rules) => [done(world, actor, 'reads the log', rules.readBeforeListing(world))]

/** Lists pack objects, then reads the log: every object that was listed has its writer's OPEN in what is read. */
export const list: Step = (world, actor) => [done(world, actor, 'lists packs', { listed: [...world.objects].toSorted() })]

export const removeLeftovers: Step = (world, actor, rules) => {
  const packs = (actor.memory['listed'] as readonly string[]).filter(
    (pack) => rules.isLeftover(world, actor, pack) && world.objects.has(pack),
  )
  const label = packs.length === 0 ? 'finds no leftovers' : `deletes the leftovers ${packs.join(' ')}`
  return [done(removePacks(world, packs), actor, label, { listed: undefined, before: undefined, open: undefined })]
}

export const close: Step = (world, actor, rules) => [
  givenUp(append(world, rules.fold, { kind: 'ABORT', time: 0, writer: writerId(actor.name), reason: '' }), actor, 'ABORT'),
]

/**
 * @param options.keepsHealing whether what heals is kept although no snapshot names it there
 * @param options.keepsBroken whether packs stay as they are in which snapshots have lost something for good
 */
export function examineAll(world: World, { keepsHealing = true, keepsBroken = true } = {}): Examined {
  const { state } = world
  const used = new Set([...state.snapshots.values()].flatMap(({ packs }) => packs))
  const keep = new Map<string, Set<string>>()
  const broken = new Set<string>()
  for (const [id, { packs }] of state.snapshots) {
    const name = shortName(id)
    for (const number of packs) keep.set(nameOf(state, number), keep.get(nameOf(state, number)) ?? new Set())
    for (const [tag, named] of Object.entries(world.recipes.get(name)!)) {
      const found = listing(world, packsOf(state, name, named, tag), tag)
      if (found !== undefined) keep.get(found)?.add(tag)
      // A chunk that is lost and not healed lives where it was: no new pack could hold all that lives there.
      else for (const number of packs) if (state.damaged.get(number)?.tags.has(tagHex(tag)) === true) broken.add(nameOf(state, number))
    }
  }
  for (const [tag, places] of keepsHealing ? state.healed : [])
    for (const number of places) keep.get(nameOf(state, number))?.add(shortName(tag))
  if (keepsBroken) for (const pack of broken) keep.delete(pack)
  const dead = [...state.packs.keys()]
    .filter((number) => !used.has(number) && !state.condemned.has(number))
    .map((number) => nameOf(state, number))
  const sorted = [...keep].map(
    ([pack, tags]) =>
      [
        pack,
        [...tags]
          .filter((tag) => world.made.get(pack)!.tags.includes(tag))
          .toSorted()
          .join(''),
      ] as const,
  )
  return { dead: dead.toSorted(), keep: Object.fromEntries(sorted.toSorted(([one], [other]) => (one < other ? -1 : 1))) }
}

export function mayCondemn({ state }: World, pack: string): boolean {
  const number = state.packsById.get(packHex(pack))?.number
  return number !== undefined && ![...state.snapshots.values()].some(({ packs }) => packs.includes(number))
}

export function mayCompact({ state }: World, { name, memory }: Actor): boolean {
  const writer = state.writers.get(writerHex(name))
  const isThere = (memory['old'] as readonly string[]).every((pack) => state.packsById.has(packHex(pack)))
  return writer !== undefined && memory['epoch'] === state.epoch && isThere && writer.floor <= (memory['upTo'] as number)
}

/** Condemned packs that no other open writer began before. */
export function sweepable({ state }: World, { name }: Actor): string[] {
  const others = [...state.writers].filter(([id]) => id !== writerHex(name))
  const oldest = Math.min(...others.map(([, { entry }]) => entry))
  return [...state.condemned]
    .filter(([, entry]) => entry < oldest)
    .map(([number]) => nameOf(state, number))
    .toSorted()
}

export function removable({ state }: World, { memory }: Actor): string[] {
  return ((memory['swept'] as readonly string[] | undefined) ?? []).filter((pack) => !state.packsById.has(packHex(pack)))
}

/** No entry names it, and its writer has ended. Of a writer without OPEN nothing is known, so its packs stay. */
export function isLeftover({ state, opened }: World, _: Actor, pack: string): boolean {
  return !state.packsById.has(packHex(pack)) && !state.writers.has(writerHex(pack[0])) && opened.has(pack[0])
}

function toldOf({ dead, keep }: Examined): string {
  const live = Object.entries(keep).map(([pack, tags]) => `${pack} lives in ${tags || 'nothing'}`)
  return [...dead.map((pack) => `${pack} is dead`), ...live].join(', ')
}

function nameOf(state: LogState, number: number): string {
  return shortPack(state.packs.get(number)!.id)
}

function numbersOf({ numbers }: World, packs: readonly string[]): Buffer {
  return encodePackNumbers(packs.map((pack) => numbers.get(pack)!).toSorted((one, other) => one - other))
}
