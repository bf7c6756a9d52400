import type { Rules } from './rules.ts'
import { withActor } from './world.ts'
import type { Actor, Memory, World } from './world.ts'

export interface Move {
  readonly label: string
  readonly world: World
}

/**
 * What one actor can do next, all at once for everybody else: each way that it may go. None: it waits. That it dies is the same as
 * never going on.
 */
export type Step = (world: World, actor: Actor, rules: Rules) => readonly Move[]

/** The actor has done its step; `memory` is put over what it knew. */
export function done(world: World, actor: Actor, label: string, memory: Memory = {}, steps = 1): Move {
  const kept = Object.entries({ ...actor.memory, ...memory }).filter(([, value]) => value !== undefined)
  const next = { ...actor, at: actor.at + steps, memory: Object.fromEntries(kept) }
  return { label: `${actor.name} ${label}`, world: withActor(world, next) }
}

/** The actor has seen that it cannot go on. */
export function givenUp(world: World, actor: Actor, label: string): Move {
  return done(world, actor, label, Object.fromEntries(Object.keys(actor.memory).map((field) => [field, undefined])), Infinity)
}
