import { chunkOf } from './places.ts'
import { snapshotHex } from './world.ts'
import type { World } from './world.ts'

/** Chunks that can be read again are owed again, and nothing is owed of snapshots that were forgotten. */
export function settled(world: World): World {
  if (world.excused.size === 0) return world
  const stillLost = [...world.excused].filter((chunk) => {
    const [name, tag] = chunk.split(' ')
    return world.state.snapshots.has(snapshotHex(name)) && chunkOf(world, name, tag).problem !== undefined
  })
  return stillLost.length === world.excused.size ? world : { ...world, excused: new Set(stillLost) }
}
