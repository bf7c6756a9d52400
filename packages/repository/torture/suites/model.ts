import { exploreCase, modelCases, sentenceOf } from '../../model/model.ts'
import type { Suite } from '../suite.ts'

const kinds = ['step beside others', 'broken rule that did harm']

/** All orders in which writers, collectors and readers can take their steps, and the same with one rule broken. No faults, no seed. */
export const modelSuite: Suite = {
  name: 'model',
  kinds,
  async run(trial) {
    for (const one of modelCases(true)) {
      const isBroken = one.variant !== undefined
      const number = trial.next(isBroken ? kinds[1] : kinds[0])
      if (number === undefined) continue
      const explored = exploreCase(one)
      trial.count(kinds[0], explored.steps)
      if (isBroken && explored.broken !== undefined) trial.count(kinds[1])
      const sentence = sentenceOf(explored)
      if (sentence !== undefined) trial.fail(number, sentence)
    }
  },
}
