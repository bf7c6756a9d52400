// What `npm test` runs once the dependencies are there: etcd, types, style, then all tests; or only the test files that are named.
import { join } from 'node:path'
import { bundle } from './build/bundle.ts'
import { getEtcd } from './etcd/get-etcd.ts'
import { interruptedBy, runProgram } from './check/run-program.ts'
import { buildTap, runTests } from './check/tests.ts'
import { getPython } from './python/get-python.ts'
import { endWithParent } from './with-parent.ts'

const bin = join(import.meta.dirname, '../node_modules/.bin')
const total = { passed: 0, failed: 0 }

endWithParent()
interruptedBy(['SIGINT', 'SIGTERM', 'SIGHUP'], (signal) => {
  total.failed += 1
  console.log(`interrupted by ${signal}`)
  tell()
})

const files = process.argv.slice(2)
let program: string | undefined
if (files.length === 0) {
  for (const version of ['3.4', '3.5', '3.6', '3.7'] as const) {
    await stage(`etcd ${version}`, async () => {
      const binaries = await getEtcd({ version, log: console.log })
      return binaries.version
    })
  }
  await stage('python', async () => {
    await getPython({ log: console.log })
  })
  // A release starts in half the time that the sources take, and there are more than a thousand starts.
  await stage('release', async () => {
    const folder = join(import.meta.dirname, '../.cache/release')
    await bundle(folder)
    program = join(folder, 'bin/kpipe.js')
  })
  await stage('types', () => runProgram([join(bin, 'tsc'), '--noEmit']))
  await stage('lint', () => runProgram([join(bin, 'oxlint'), '--deny-warnings']))
  await stage('format', () => runProgram([join(bin, 'prettier'), '--check', '--log-level=warn', '.']))
}
if (await stage('tap', buildTap)) {
  await stage('tests', async () => {
    const { passed, failed } = await runTests(files, program)
    total.passed += passed
    total.failed += failed
    return failed === 0 ? `all ${passed} ok` : `${failed} of ${passed + failed} FAILED`
  })
}
tell()

/** Runs one stage, says how it went, and counts its failure. A stage that is a number of checks counts them itself. */
async function stage(name: string, run: () => Promise<string | void>): Promise<boolean> {
  const began = performance.now()
  const seconds = () => `${((performance.now() - began) / 1000).toFixed(1)} s`
  try {
    const said = await run()
    console.log(`${name}: ${said ?? 'ok'} (${seconds()})`)
    return true
  } catch (error) {
    total.failed += 1
    console.log(`${name}: FAILED (${seconds()}): ${(error as Error).message}`)
    return false
  }
}

/** Has to be the last line. */
function tell(): void {
  console.log(`${total.passed} passed, ${total.failed} failed`)
  process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1
}
