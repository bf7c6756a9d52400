import type { Payload } from '../src/log/payload.ts'
import { encodeTagsByPack } from '../src/log/tags-by-pack.ts'
import { chunkOf, packsOf } from './places.ts'
import { done, givenUp } from './step.ts'
import type { Step } from './step.ts'
import { append, packHex, shortName, shortPack, snapshotHex, tagHex, writerHex, writerId } from './world.ts'
import type { Actor, Recipe, World } from './world.ts'

/** FORGET of any one snapshot but the newest. */
export function forget(names?: string): Step {
  return (world, actor, rules) =>
    [...world.state.snapshots.keys()]
      .map(shortName)
      .slice(0, names === undefined ? -1 : undefined)
      .filter((name) => names?.includes(name) ?? true)
      .map((name) => {
        const owed = world.owed.difference(new Set([name]))
        const payload: Payload = { kind: 'FORGET', time: 0, snapshots: [Buffer.from(snapshotHex(name), 'hex')] }
        return done(append({ ...world, owed }, rules.fold, payload), actor, `FORGET ${name}`)
      })
}

/** ABORT of another writer, who may be alive after all. */
export function endWriter(name: string): Step {
  return (world, actor, rules) => {
    if (!world.state.writers.has(writerHex(name))) return []
    return [done(append(world, rules.fold, { kind: 'ABORT', time: 0, writer: writerId(name), reason: '' }), actor, `ABORT of ${name}`)]
  }
}

/** KEY with a new epoch. */
export const rotate: Step = (world, actor, rules) => [
  done(append(world, rules.fold, { kind: 'KEY', time: 0, epoch: world.state.epoch + 1, slots: [] }), actor, 'KEY with a new epoch'),
]

/** Whoever holds keys that were replaced appends what does harm, under them. */
export function steal(payload: Payload): Step {
  return (world, actor, rules) => {
    if (world.state.epoch === 1) return []
    return [done(append(world, rules.fold, payload, 1), actor, `${payload.kind} under the keys of epoch 1`)]
  }
}

/** A copy of a chunk rots. Whom it hits is not owed that chunk any more. */
export function rot(tag: string, pack: string): Step {
  return (world, actor) => {
    if (!world.objects.has(pack)) return []
    const rotten = { ...world, rotten: new Set(world.rotten).add(`${tag} ${pack}`) }
    const hit = [...rotten.state.snapshots.keys()].map(shortName).filter((name) => {
      return world.recipes.get(name)![tag] !== undefined && chunkOf(rotten, name, tag).problem !== undefined
    })
    const excused = new Set([...world.excused, ...hit.map((name) => `${name} ${tag}`)])
    return [done({ ...rotten, excused }, actor, `${tag} rots in ${pack}`)]
  }
}

/** Reads a pack of the state in whole; what it found is told later. */
export function readPack(pack: string): Step {
  return (world, actor) => {
    if (!world.objects.has(pack) || !world.state.packsById.has(packHex(pack))) return []
    const lost = world.made.get(pack)!.tags.filter((tag) => world.rotten.has(`${tag} ${pack}`))
    return [
      done(world, actor, `reads ${pack}: ${lost.length === 0 ? 'whole' : `${lost.join('')} is lost`}`, {
        read: pack,
        lost,
        upTo: world.state.head.n,
      }),
    ]
  }
}

/** DAMAGED or CHECKED for what was read. */
export const tell: Step = (world, actor, rules) => {
  const [pack, lost] = [actor.memory['read'] as string, actor.memory['lost'] as readonly string[]]
  if (!world.state.packsById.has(packHex(pack))) return [givenUp(world, actor, 'has read what is gone')]
  const number = world.numbers.get(pack)!
  if (lost.length > 0) {
    const payload: Payload = { kind: 'DAMAGED', time: 0, ...encodeTagsByPack(new Map([[number, lost.map(tagHex)]])) }
    const told = new Set([...world.told, ...lost.map((tag) => `${tag} ${pack}`)])
    return [givenUp(append({ ...world, told }, rules.fold, payload), actor, `DAMAGED ${lost.join('')} in ${pack}`)]
  }
  if (!rules.mayCallWhole(world, actor)) return [givenUp(world, actor, `does not call ${pack} whole`)]
  const packs = encodeTagsByPack(new Map([[number, []]])).packs
  return [givenUp(append(world, rules.fold, { kind: 'CHECKED', time: 0, packs }), actor, `CHECKED ${pack}`)]
}

/** A pack is not called whole when others have noted damage in it since it was read. */
export function mayCallWhole({ state }: World, { memory }: Actor): boolean {
  const { number } = state.packsById.get(packHex(memory['read'] as string))!
  return (state.damaged.get(number)?.entry ?? 0) <= (memory['upTo'] as number)
}

/** Looks for a pack that has what is lost elsewhere. */
export function findCopy(tag: string): Step {
  return (world, actor) => {
    const isNoted = [...world.state.damaged.values()].some(({ tags }) => tags.has(tagHex(tag)))
    if (!isNoted) return []
    return [...world.state.packs.values()]
      .map(({ id }) => shortPack(id))
      .filter((pack) => world.objects.has(pack) && world.made.get(pack)!.tags.includes(tag) && !world.rotten.has(`${tag} ${pack}`))
      .map((pack) => done(world, actor, `finds ${tag} in ${pack}`, { copy: pack }))
  }
}

/** HEAL with the copy that was found. From then on every snapshot is owed the chunk again. */
export function heal(tag: string): Step {
  return (world, actor, rules) => {
    const pack = actor.memory['copy'] as string
    if (!rules.mayHeal(world, pack)) return [givenUp(world, actor, 'does not heal with what is gone')]
    const payload: Payload = { kind: 'HEAL', time: 0, ...encodeTagsByPack(new Map([[world.numbers.get(pack)!, [tagHex(tag)]]])) }
    const healed = append(world, rules.fold, payload)
    const owedAgain = [...healed.state.snapshots.keys()].map((id) => `${shortName(id)} ${tag}`)
    const excused = healed.state.healed.has(tagHex(tag)) ? world.excused.difference(new Set(owedAgain)) : world.excused
    return [givenUp({ ...healed, excused }, actor, `HEAL ${tag} by ${pack}`)]
  }
}

export function mayHeal({ state }: World, pack: string): boolean {
  return state.packsById.has(packHex(pack))
}

/** Opens a snapshot by the log as it is: where each chunk is to be had. */
export function openSnapshot(name: string): Step {
  return (world, actor) => {
    if (!world.state.snapshots.has(snapshotHex(name))) return []
    return [done(world, actor, `opens snapshot ${name}`, { places: placesNow(world, name) })]
  }
}

/** Reads a chunk where it was when the snapshot was opened; one that misses its pack reads the log again. */
export function readChunk(name: string, tag: string): Step {
  return (world, actor, rules) => {
    if (world.excused.has(`${name} ${tag}`)) return [givenUp(world, actor, 'reads what has rotted')]
    const places = actor.memory['places'] as Readonly<Record<string, readonly string[]>>
    if (isHad(world, places[tag], tag)) return [done(world, actor, `reads ${tag} in ${places[tag].join(' ')}`)]
    if (!world.state.snapshots.has(snapshotHex(name))) return [givenUp(world, actor, `finds snapshot ${name} forgotten`)]
    const again = rules.readsAgain ? placesNow(world, name) : places
    if (isHad(world, again[tag], tag))
      return [done(world, actor, `reads the log again, then ${tag} in ${again[tag].join(' ')}`, { places: again })]
    const fault = `a reader cannot find chunk ${tag} of snapshot ${name}`
    return [givenUp({ ...world, fault }, actor, `misses ${tag}`)]
  }
}

function isHad(world: World, packs: readonly string[], tag: string): boolean {
  const pack = packs.find((one) => world.made.get(one)?.tags.includes(tag))
  return pack !== undefined && packs.every((one) => world.objects.has(one)) && !world.rotten.has(`${tag} ${pack}`)
}

function placesNow(world: World, name: string): Record<string, readonly string[]> {
  const recipe: Recipe = world.recipes.get(name)!
  return Object.fromEntries(Object.entries(recipe).map(([tag, pack]) => [tag, packsOf(world.state, name, pack, tag)]))
}
