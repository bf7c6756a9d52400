import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { resultsTable } from '../packages/repository/torture/results.ts'
import { runSuite } from '../packages/repository/torture/run-suite.ts'
import type { Result } from '../packages/repository/torture/run-suite.ts'
import { suites as repositorySuites } from '../packages/repository/torture/suites/index.ts'
import { killSuite } from './suites/kill.ts'
import { largeStreamSuite } from './suites/large-stream.ts'
import { sideBySideSuite } from './suites/side-by-side.ts'

// npm run torture -- [suite …] [--seed N] [--share 1/20] [--case N] [--results FILE]

const suites = [...repositorySuites, killSuite, sideBySideSuite, largeStreamSuite]
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: '1' },
    share: { type: 'string', default: '1' },
    case: { type: 'string' },
    results: { type: 'string' },
  },
})
const chosen = suites.filter(({ name }) => positionals.length === 0 || positionals.includes(name))
const unknown = positionals.filter((name) => !suites.some((suite) => suite.name === name))
if (unknown.length > 0) throw new Error(`there is no suite ${unknown.join(', ')}: ${suites.map(({ name }) => name).join(', ')}`)
const [part, whole = '1'] = values.share.split('/')
const options = {
  seed: Number(values.seed),
  share: Number(part) / Number(whole),
  only: values.case === undefined ? undefined : Number(values.case),
}

const results: Result[] = []
for (const suite of chosen) {
  const result = await runSuite(suite, options)
  results.push(result)
  for (const line of result.sentences) console.log(line)
}
const table = resultsTable(results)
console.log(table)
if (values.results !== undefined) await writeFile(values.results, table)
if (results.some(({ sentences }) => sentences.length > 0)) process.exitCode = 1
