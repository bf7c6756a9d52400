import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { countTap, type TestFile } from './count-tap.ts'
import { ending, runProgram, startProgram } from './run-program.ts'

const modules = join(import.meta.dirname, '../../node_modules')
const tap = join(modules, '.bin/tap')

/**
 * tap is published with a TypeScript loader that .taprc leaves out, and builds itself anew for that. It would do so by itself,
 * but the run that notices still fails.
 */
export async function buildTap(): Promise<void> {
  const built = await readFile(join(modules, '@tapjs/test/test-built/src/index.ts'), 'utf8').catch(() => undefined)
  if (!built || built.includes('@tapjs/typescript')) await runProgram([tap, 'build'])
}

/**
 * Runs the test files, all when none is named; tells each file, and each failure in full. Failures are told again after the last file,
 * for a long output is often kept without its middle. @throws Error when nothing could be counted
 * @param program the kpipe that they start; that of the sources when undefined
 */
export async function runTests(files: readonly string[], program: string | undefined): Promise<{ passed: number; failed: number }> {
  const env = program === undefined ? {} : { KPIPE_TEST_PROGRAM: program }
  const child = startProgram([tap, '--reporter=tap', '--no-color', ...files], ['ignore', 'pipe', 'inherit'], env)
  const ended = ending(child).then(
    () => undefined,
    (error: Error) => error,
  )
  const failed: TestFile[] = []
  const counted = await countTap(child.stdout!, (file) => {
    tell(file)
    if (file.failures.length > 0) failed.push(file)
  })
  const failure = await ended
  if (failed.length > 0) console.log('what failed:')
  for (const file of failed) tell(file)
  if (counted.passed + counted.failed === 0) throw failure ?? new Error('no test was run')
  // All is well in the files, and yet tap is not content.
  if (failure && counted.failed === 0) tell({ name: 'tap', passed: 0, failures: [failure.message], seconds: 0 })
  return failure && counted.failed === 0 ? { ...counted, failed: 1 } : counted
}

function tell({ name, passed, failures, seconds }: TestFile): void {
  console.log(`  ${failures.length === 0 ? 'ok    ' : 'FAILED'} ${name} (${passed + failures.length} tests, ${seconds.toFixed(1)} s)`)
  for (const failure of failures) console.log(failure.replace(/^/gm, '    '))
}
