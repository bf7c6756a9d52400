import { withActors } from './history.ts'
import { settled } from './settled.ts'
import type { Rules } from './rules.ts'
import type { Step } from './step.ts'
import type { World } from './world.ts'

export interface Scenario {
  readonly name: string
  /** What each actor does, step by step; its name is a letter. */
  readonly programs: Readonly<Record<string, readonly Step[]>>
  /** Whether it takes minutes to see all of it. */
  readonly isLarge: boolean
  begin(rules: Rules): World
}

export interface ScenarioOptions {
  readonly isLarge?: boolean
  /** Steps that are made first, in this order: the actor's name and what the step's label has, of several. */
  readonly prelude?: readonly string[]
}

export function scenario(
  name: string,
  history: () => World,
  programs: Scenario['programs'],
  { isLarge = false, prelude = [] }: ScenarioOptions = {},
): Scenario {
  const begin = (rules: Rules): World =>
    prelude.reduce(
      (world, wanted) => {
        const actor = world.actors.find((one) => one.name === wanted[0])!
        const moves = programs[actor.name][actor.at](world, actor, rules)
        return settled((moves.find(({ label }) => label.startsWith(wanted)) ?? moves[0]).world)
      },
      withActors(history(), Object.keys(programs)),
    )
  return { name, programs, isLarge, begin }
}
