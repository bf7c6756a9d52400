import { freeWorld } from './determined-world.ts'
import { Trial, missedKinds } from './suite.ts'
import type { Suite, TrialOptions } from './suite.ts'

const shownFailures = 10

export interface Result {
  readonly name: string
  readonly cases: number
  readonly fired: ReadonlyMap<string, number>
  readonly seconds: number
  /** What went wrong, each with how to repeat it; none when all is well. */
  readonly sentences: readonly string[]
}

export async function runSuite(suite: Suite, options: TrialOptions): Promise<Result> {
  const began = performance.now()
  const trial = new Trial(suite.kinds, options)
  try {
    await suite.run(trial)
  } finally {
    freeWorld()
  }
  const { cases, fired, failures } = trial
  const sentences = failures
    .slice(0, shownFailures)
    .map(({ number, text }) => `FAILED ${suite.name} --seed ${options.seed} --case ${number}: ${text}`)
  if (failures.length > shownFailures) sentences.push(`FAILED ${suite.name}: ${failures.length} of ${cases} cases`)
  for (const kind of missedKinds(trial, options)) sentences.push(`FAILED ${suite.name}: "${kind}" never fired`)
  if (cases === 0) sentences.push(`FAILED ${suite.name}: no case was run`)
  return { name: suite.name, cases, fired, seconds: (performance.now() - began) / 1000, sentences }
}
