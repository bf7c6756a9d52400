import { test } from 'tap'
import { runModel, sentenceOf } from '../model/model.ts'

test('whatever writers, collectors and readers do beside each other, nothing is lost; with any rule broken, something is', async (t) => {
  const report = await runModel({ whole: false })
  for (const explored of report.scenarios) {
    t.equal(sentenceOf(explored), undefined, explored.scenario)
    t.equal(explored.thinnedFrom, undefined, `every order of "${explored.scenario}" was seen`)
  }
  for (const explored of report.variants) t.equal(sentenceOf(explored), undefined, `caught: ${explored.variant}`)
  t.equal(report.caught, report.variants.length)
  t.ok(report.states > 100_000, `${report.states} states`)
  t.comment(
    `${report.states} states, ${report.steps} steps, ${report.depth} deep, ${report.caught} of ${report.variants.length} broken rules caught`,
  )
})
