import { test } from 'tap'
import { runSuite } from '../packages/repository/torture/run-suite.ts'
import { killSuite } from '../torture/suites/kill.ts'
import { sideBySideSuite } from '../torture/suites/side-by-side.ts'

// A part of `npm run torture`.

for (const suite of [killSuite, sideBySideSuite]) {
  test(`a part of the suite ${suite.name} finds nothing, and every kind of fault fires`, async (t) => {
    const { cases, fired, sentences } = await runSuite(suite, { seed: 1, share: 1 / 100 })
    t.same(sentences, [])
    t.ok(cases > 4, `${cases} cases`)
    for (const [kind, times] of fired) t.ok(times > 0, `${kind}: ${times}`)
  })
}
