import { encodePackNumbers } from '../src/log/pack-numbers.ts'
import type { Payload } from '../src/log/payload.ts'
import { encodeTagsByPack } from '../src/log/tags-by-pack.ts'
import { settled } from './settled.ts'
import { append, foldOne, makePack, snapshotHex, tagHex, writerId } from './world.ts'
import type { Actor, Recipe, World } from './world.ts'

// What happened before the actors begin.

/** A writer that came and committed: `stores` in its pack "<name>0", if anything, and a recipe in older packs besides. */
export function madeSnapshot(world: World, name: string, stores: string, older: Recipe = {}): World {
  const stored = stores === '' ? world : makePack(world, `${name}0`, [...stores])
  const recipe = { ...Object.fromEntries([...stores].map((tag) => [tag, `${name}0`])), ...older }
  const uses = [...new Set(Object.values(older))].map((pack) => world.numbers.get(pack)!).toSorted((one, other) => one - other)
  const recipes = new Map(world.recipes).set(name, recipe)
  const owed = new Set(world.owed).add(name)
  return appendAll({ ...stored, recipes, owed }, [
    { kind: 'OPEN', time: 0, writer: writerId(name), tool: '', host: '', boot: '', pid: 0 },
    {
      kind: 'SNAPSHOT',
      time: 0,
      writer: writerId(name),
      packs: stores === '' ? [] : [['D', 0, 1, 1, Buffer.alloc(32)]],
      uses: encodePackNumbers(uses),
      manifest: { id: Buffer.from(snapshotHex(name), 'hex'), counter: 0, offset: 0, stored_bytes: 0, epoch: 1 },
    },
  ])
}

export function forgotten(world: World, name: string): World {
  const snapshots = [Buffer.from(snapshotHex(name), 'hex')]
  return appendAll({ ...world, owed: world.owed.difference(new Set([name])) }, [{ kind: 'FORGET', time: 0, snapshots }])
}

/** A chunk that has rotted in a pack, which the log knows. */
export function damaged(world: World, tag: string, pack: string): World {
  const hit = [...world.recipes].filter(([, recipe]) => recipe[tag] === pack).map(([name]) => `${name} ${tag}`)
  const copy = `${tag} ${pack}`
  const rotten = {
    ...world,
    rotten: new Set(world.rotten).add(copy),
    told: new Set(world.told).add(copy),
    excused: new Set([...world.excused, ...hit]),
  }
  return appendAll(rotten, [{ kind: 'DAMAGED', time: 0, ...encodeTagsByPack(new Map([[world.numbers.get(pack)!, [tagHex(tag)]]])) }])
}

/** Somebody brought a pack back as it was stored. */
export function broughtBack(world: World, tag: string, pack: string): World {
  const copy = new Set([`${tag} ${pack}`])
  const packs = encodePackNumbers([world.numbers.get(pack)!])
  const whole = { ...world, rotten: world.rotten.difference(copy), told: world.told.difference(copy) }
  return settled(appendAll(whole, [{ kind: 'CHECKED', time: 0, packs }]))
}

export function healed(world: World, tag: string, pack: string): World {
  return settled(appendAll(world, [{ kind: 'HEAL', time: 0, ...encodeTagsByPack(new Map([[world.numbers.get(pack)!, [tagHex(tag)]]])) }]))
}

export function withActors(world: World, names: Iterable<string>): World {
  return { ...world, actors: [...names].map((name): Actor => ({ name, at: 0, memory: {} })) }
}

function appendAll(world: World, payloads: readonly Payload[]): World {
  return payloads.reduce((before, payload) => append(before, foldOne, payload), world)
}
