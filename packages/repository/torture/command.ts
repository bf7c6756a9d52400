import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { resultsTable } from './results.ts'
import { runSuite } from './run-suite.ts'
import type { Result } from './run-suite.ts'
import type { Suite } from './suite.ts'

/** `[suite …] [--seed N] [--share 1/20] [--case N] [--results FILE]`; the exit code is 1 when anything was found. */
export async function tortureCommand(suites: readonly Suite[]): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seed: { type: 'string', default: '1' },
      share: { type: 'string', default: '1' },
      case: { type: 'string' },
      results: { type: 'string' },
    },
  })
  const unknown = positionals.filter((name) => !suites.some((suite) => suite.name === name))
  if (unknown.length > 0) throw new Error(`there is no suite ${unknown.join(', ')}: ${suites.map(({ name }) => name).join(', ')}`)
  const [part, whole = '1'] = values.share.split('/')
  const options = {
    seed: Number(values.seed),
    share: Number(part) / Number(whole),
    only: values.case === undefined ? undefined : Number(values.case),
  }
  const results: Result[] = []
  for (const suite of suites.filter(({ name }) => positionals.length === 0 || positionals.includes(name))) {
    const result = await runSuite(suite, options)
    results.push(result)
    for (const line of result.sentences) console.log(line)
    console.error(`${result.name}: ${result.cases} cases in ${result.seconds.toFixed(0)} s`)
  }
  const table = resultsTable(results)
  console.log(table)
  if (values.results !== undefined) await writeFile(values.results, table)
  if (results.some(({ sentences }) => sentences.length > 0)) process.exitCode = 1
}
