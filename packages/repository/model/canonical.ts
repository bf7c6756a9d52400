import { hash } from 'node:crypto'
import { shortName, shortPack } from './world.ts'
import type { World } from './world.ts'

/**
 * The same for two worlds in which nothing can ever go differently. Numbers of entries count by their order alone, packs by their
 * names; what no step and no rule looks at any more is left out.
 */
export function canonical(world: World): string {
  const { state, actors } = world
  const rank = ranks(world)
  const pack = (number: number): string => shortPack(state.packs.get(number)?.id ?? '')
  const packs = [...state.packs.values()].map(({ number, id }) => [shortPack(id), rank(state.condemned.get(number))])
  const snapshots = [...state.snapshots.values()].map(({ id, entry, packs: used }) => {
    const name = shortName(id)
    return [name, rank(entry), used.map(pack).toSorted(), world.recipes.get(name)]
  })
  const known = new Set([...state.packs.values()].map(({ id }) => shortPack(id)))
  const contents = [...world.made]
    .filter(([name]) => known.has(name) || world.objects.has(name))
    .map(([name, { tags }]) => name + tags.join(''))
  return hash(
    'sha256',
    JSON.stringify([
      state.epoch,
      [...state.writers].map(([id, writer]) => [shortName(id), rank(writer.entry), rank(writer.floor)]).toSorted(),
      packs.toSorted(),
      snapshots,
      [...state.replaced].map(([id, list]) => [shortPack(id), list.map(pack)]).toSorted(),
      [...state.damaged].map(([number, { entry, tags }]) => [pack(number), rank(entry), [...tags].toSorted()]).toSorted(),
      [...state.healed].map(([tag, list]) => [shortName(tag), list.map(pack)]).toSorted(),
      contents.toSorted(),
      [...world.objects].toSorted(),
      [...world.rotten].toSorted(),
      [...world.told].toSorted(),
      [...world.opened].toSorted(),
      [...world.owed].toSorted(),
      [...world.excused].toSorted(),
      actors.map(({ at, memory }) => [at, { ...memory, upTo: rank(memory['upTo'] as number | undefined) }]),
      world.fault,
    ]),
    'binary',
  ).slice(0, 16)
}

/** Of the entries that anything still refers to, the place among them. */
function ranks({ state, actors }: World): (entry: number | undefined) => number {
  const entries = new Set<number>()
  for (const writer of state.writers.values()) entries.add(writer.entry).add(writer.floor)
  for (const { entry } of state.snapshots.values()) entries.add(entry)
  for (const entry of state.condemned.values()) entries.add(entry)
  for (const { entry } of state.damaged.values()) entries.add(entry)
  for (const { memory } of actors) if (typeof memory['upTo'] === 'number') entries.add(memory['upTo'])
  const sorted = [...entries].toSorted((one, other) => one - other)
  return (entry) => (entry === undefined ? -1 : sorted.indexOf(entry))
}
