import { test } from 'tap'
import { runSuite } from '../torture/run-suite.ts'
import { crashSuiteOn } from '../torture/suites/crash.ts'
import type { Through } from '../torture/suites/crash.ts'
import { suites } from '../torture/suites/index.ts'

// A part of `npm run torture`, which has hundreds of times as many cases.

const shares: Readonly<Record<string, number>> = {
  crash: 1 / 300,
  errors: 1 / 300,
  bytes: 1 / 200,
  misplaced: 1 / 100,
  'page-histories': 1 / 300,
  decoders: 1 / 1000,
}

// A part of the model is looked at by model.test.ts.
for (const suite of suites.filter(({ name }) => name !== 'model')) {
  test(`a part of the suite ${suite.name} finds nothing, and every kind of fault fires`, async (t) => {
    const { cases, fired, sentences } = await runSuite(suite, { seed: 1, share: shares[suite.name] })
    t.same(sentences, [])
    t.ok(cases > 4, `${cases} cases`)
    for (const [kind, times] of fired) t.ok(times > 0, `${kind}: ${times}`)
  })
}

test('a store that does not sync files, or does not sync folders, is caught by the crashes', async (t) => {
  for (const unsynced of ['wx', 'r'] as const) {
    const forgetful: Through = (files) => ({
      ...files,
      async open(path, flags, mode) {
        const file = await files.open(path, flags, mode)
        return flags === unsynced ? { ...file, sync: async () => undefined } : file
      },
    })
    const { sentences } = await runSuite(crashSuiteOn(forgetful, 1), { seed: 1, share: 1 / 40 })
    t.ok(
      sentences.some((sentence) => /FAILED crash --seed 1 --case \d+: before /.test(sentence)),
      unsynced,
    )
  }
})
