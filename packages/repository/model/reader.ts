import { packsOf } from './places.ts'
import { done, givenUp } from './step.ts'
import type { Step } from './step.ts'
import { snapshotHex } from './world.ts'
import type { Recipe, World } from './world.ts'

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
