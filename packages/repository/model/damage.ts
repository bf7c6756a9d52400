import type { Payload } from '../src/log/payload.ts'
import { encodeTagsByPack } from '../src/log/tags-by-pack.ts'
import { chunkOf } from './places.ts'
import { done, givenUp } from './step.ts'
import type { Step } from './step.ts'
import { append, packHex, shortName, shortPack, tagHex } from './world.ts'
import type { Actor, World } from './world.ts'

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
