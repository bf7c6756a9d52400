import { explore } from './explore.ts'
import type { Exploration } from './explore.ts'
import { rules } from './rules.ts'
import type { Scenario } from './scenario.ts'
import { scenarios } from './scenarios.ts'
import { variants } from './variants.ts'
import type { Variant } from './variants.ts'

/** Bound of the states that are kept at once. All small scenarios stay below, so that every interleaving is seen. */
const maxFrontier = 16_000

export interface ModelOptions {
  /** Whether the large scenarios are looked at as well, of which only a part can be. */
  readonly whole: boolean
  readonly onExplored?: (explored: Explored) => void
}

/** What became of one scenario, by the rules or with one of them broken. */
export interface Explored extends Exploration {
  readonly scenario: string
  /** What was broken on purpose. */
  readonly variant: string | undefined
}

export interface ModelReport {
  readonly scenarios: readonly Explored[]
  readonly variants: readonly Explored[]
  /** Of the scenarios. */
  readonly states: number
  readonly steps: number
  readonly depth: number
  readonly caught: number
  readonly seconds: number
  /** What is not as it must be; none when all is well. */
  readonly sentences: readonly string[]
}

/**
 * Explores what writers, collectors and readers can do beside each other, on the project's own fold, in every order. Nothing that is
 * owed may ever be lost; and with any one rule broken something must be.
 */
export async function runModel({ whole, onExplored }: ModelOptions): Promise<ModelReport> {
  const began = performance.now()
  const explored: Explored[] = []
  for (const one of modelCases(whole)) {
    const result = exploreCase(one)
    explored.push(result)
    onExplored?.(result)
    await new Promise(setImmediate) // Others may want to be heard between them.
  }
  const [kept, broken] = [explored.filter(({ variant }) => variant === undefined), explored.filter(({ variant }) => variant !== undefined)]
  return {
    scenarios: kept,
    variants: broken,
    states: sum(kept.map(({ states }) => states)),
    steps: sum(kept.map(({ steps }) => steps)),
    depth: Math.max(...kept.map(({ depth }) => depth)),
    caught: broken.filter(({ broken: harm }) => harm !== undefined).length,
    seconds: (performance.now() - began) / 1000,
    sentences: explored.map(sentenceOf).filter((sentence) => sentence !== undefined),
  }
}

export interface ModelCase {
  readonly scenario: Scenario
  readonly variant: Variant | undefined
}

/** The scenarios, then each broken rule in the one where it does harm. */
export function modelCases(whole: boolean): ModelCase[] {
  const chosen = scenarios.filter(({ isLarge }) => whole || !isLarge)
  return [
    ...chosen.map((scenario) => ({ scenario, variant: undefined })),
    ...variants.map((variant) => ({ scenario: scenarios.find(({ name }) => name === variant.scenario)!, variant })),
  ]
}

export function exploreCase({ scenario, variant }: ModelCase): Explored {
  return { scenario: scenario.name, variant: variant?.name, ...explore(scenario, variant?.rules ?? rules, maxFrontier) }
}

/** What is wrong with an exploration. */
export function sentenceOf({ scenario, variant, broken }: Explored): string | undefined {
  if (variant === undefined) return broken && `${scenario}: ${told(broken)}`
  return broken === undefined ? `nothing was lost in "${scenario}" although ${variant}` : undefined
}

/** What was lost, and the shortest way to it. */
export function told({ what, trace }: NonNullable<Exploration['broken']>): string {
  return [what, ...trace.map((step, index) => `  ${index + 1}. ${step}`)].join('\n')
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
