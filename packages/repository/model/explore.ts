import { canonical } from './canonical.ts'
import { whatIsBroken } from './invariants.ts'
import type { Rules } from './rules.ts'
import type { Scenario } from './scenario.ts'
import { settled } from './settled.ts'
import type { Move } from './step.ts'
import type { World } from './world.ts'

export interface Exploration {
  readonly states: number
  readonly steps: number
  /** Steps of the longest path. */
  readonly depth: number
  /** From how many steps on only some of the states were followed; undefined when all were. */
  readonly thinnedFrom: number | undefined
  /** What does not hold, after the shortest way there. */
  readonly broken: { readonly what: string; readonly trace: readonly string[] } | undefined
}

/**
 * All interleavings, breadth first, each state once, to the end of all programs; ends at the first state in which something does not
 * hold, which is on a shortest way.
 * @param maxFrontier when so many are reached after the same number of steps, half of them are followed, and so on
 */
export function explore(scenario: Scenario, rules: Rules, maxFrontier: number): Exploration {
  const first = scenario.begin(rules)
  const parents: number[] = [-1]
  const labels: string[] = ['']
  const seen = new Set([canonical(first)])
  let frontier: Reached[] = [{ world: first, index: 0 }]
  let [steps, depth, thinnedFrom]: [number, number, number | undefined] = [0, 0, undefined]
  const ended = (broken: Exploration['broken']): Exploration => ({ states: seen.size, steps, depth, thinnedFrom, broken })
  const broken = whatIsBroken(first)
  if (broken !== undefined) return ended({ what: broken, trace: [] })
  for (;;) {
    let [next, share]: [Reached[], number] = [[], 1]
    for (const { world, index } of frontier) {
      for (const { label, world: moved } of movesOf(scenario, world, rules)) {
        const reached = settled(moved)
        steps++
        const key = canonical(reached)
        if (seen.has(key)) continue
        seen.add(key)
        const here = parents.push(index) - 1
        labels.push(label)
        const what = whatIsBroken(reached)
        if (what !== undefined) {
          depth++
          return ended({ what, trace: traceTo(here, parents, labels) })
        }
        if (fractionOf(here) < share) next.push({ world: reached, index: here })
        if (next.length < maxFrontier) continue
        share /= 2
        next = next.filter(({ index: one }) => fractionOf(one) < share)
        thinnedFrom ??= depth + 1
      }
    }
    if (next.length === 0) return ended(undefined)
    depth++
    frontier = next
  }
}

interface Reached {
  readonly world: World
  readonly index: number
}

/** From 0 to 1, as good as random. */
function fractionOf(index: number): number {
  return (Math.imul(index, 0x9e3779b1) >>> 0) / 2 ** 32
}

function traceTo(index: number, parents: readonly number[], labels: readonly string[]): string[] {
  const trace: string[] = []
  for (let at = index; at > 0; at = parents[at]) trace.unshift(labels[at])
  return trace
}

function movesOf({ programs }: Scenario, world: World, rules: Rules): readonly Move[] {
  return world.actors.flatMap((actor) => {
    const step = programs[actor.name][actor.at]
    return step === undefined ? [] : step(world, actor, rules)
  })
}
