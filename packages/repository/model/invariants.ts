import { packHex, shortName, shortPack, snapshotHex, writerHex } from './world.ts'
import type { World } from './world.ts'
import { chunkOf } from './places.ts'

/** What is wrong with a world, in a sentence; undefined when all that must hold does. */
export function whatIsBroken(world: World): string | undefined {
  return world.fault ?? missingSnapshot(world) ?? missingPack(world) ?? unreadableChunk(world) ?? lostWork(world)
}

/** A snapshot that was acknowledged is there until somebody who may do so forgets it. */
function missingSnapshot({ owed, state }: World): string | undefined {
  for (const name of owed) if (!state.snapshots.has(snapshotHex(name))) return `snapshot ${name} was acknowledged and is not there`
  return undefined
}

/** No pack that a snapshot uses is swept or deleted. */
function missingPack({ state, objects }: World): string | undefined {
  for (const { id, packs } of state.snapshots.values()) {
    for (const number of packs) {
      const pack = state.packs.get(number)
      if (pack === undefined) return `snapshot ${shortName(id)} uses a pack that was swept`
      if (!objects.has(shortPack(pack.id))) return `pack ${shortPack(pack.id)}, which snapshot ${shortName(id)} uses, is not in the store`
    }
  }
  return undefined
}

/** Whoever has read the whole log finds each chunk of each snapshot: so a reader of any older state does after reading on. */
function unreadableChunk(world: World): string | undefined {
  for (const id of world.state.snapshots.keys()) {
    const name = shortName(id)
    for (const tag of Object.keys(world.recipes.get(name)!)) {
      const why = world.excused.has(`${name} ${tag}`) ? undefined : chunkOf(world, name, tag).problem
      if (why !== undefined) return why
    }
  }
  return undefined
}

/** What a writer has stored stays until its end, and so does what it uses of its parent: only who was ended loses its work. */
function lostWork({ actors, objects, state }: World): string | undefined {
  for (const { name, memory } of actors) {
    if (!state.writers.has(writerHex(name))) continue
    const { stored, relies } = memory as { stored?: string; relies?: readonly string[] }
    if (stored !== undefined && !objects.has(stored)) return `pack ${stored} of writer ${name}, who may still commit, is not in the store`
    const swept = relies?.find((pack) => !state.packsById.has(packHex(pack)))
    if (swept !== undefined) return `pack ${swept}, which writer ${name} began to use, was swept`
  }
  return undefined
}
