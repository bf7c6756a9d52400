import { Readable } from 'node:stream'
import { test } from 'tap'
import { countTap, type TestFile } from '../scripts/check/count-tap.ts'

async function count(tap: string): Promise<{ passed: number; failed: number; files: TestFile[] }> {
  const files: TestFile[] = []
  const total = await countTap(Readable.from([tap]), (file) => files.push(file))
  return { ...total, files }
}

/** One file with these lines in it. */
function file(lines: readonly string[], end = 'ok 1 - a.test.ts # time=12.5ms'): string {
  return ['TAP version 14', '# Subtest: a.test.ts', ...lines.map((line) => `    ${line}`), end, '1..1', ''].join('\n')
}

const good = ['# Subtest: good', '    ok 1 - equal', '    1..1', 'ok 1 - good']

test('tests are counted, not files and not the points within tests', async (t) => {
  const { passed, failed, files } = await count(file([...good, 'ok 2 - a plain point', '1..2']))
  t.same([passed, failed], [2, 0])
  t.same(files, [{ name: 'a.test.ts', passed: 2, failures: [], seconds: 0.0125 }])
})

for (const [what, lines, failure] of [
  ['a skipped test', [...good, 'ok 2 - later # SKIP why', '1..2'], 'later\n  skipped (why)'],
  ['a todo', [...good, 'ok 2 - later # TODO', '1..2'], 'later\n  todo'],
  [
    'a point skipped inside a test',
    [...good, '# Subtest: two', '    ok 1 - x # SKIP', '    1..1', 'ok 2 - two', '1..2'],
    'two\n  x: skipped',
  ],
  ['a test that asserts nothing', [...good, '# Subtest: empty', '    1..0', 'ok 2 - empty', '1..2'], 'empty\n  asserts nothing'],
  ['a failed point', [...good, '# Subtest: bad', '    not ok 1 - equal', '    1..1', 'not ok 2 - bad', '1..2'], 'bad\n  equal'],
] as const) {
  test(`${what} counts as failed`, async (t) => {
    const { passed, failed, files } = await count(file(lines, failure.includes('equal') ? 'not ok 1 - a.test.ts' : undefined))
    t.same([passed, failed], [1, 1])
    t.same(files[0]!.failures, [failure])
  })
}

test('a file whose tests are fine but which ended badly counts as one failed', async (t) => {
  const { passed, failed } = await count(file([...good, '1..1'], 'not ok 1 - a.test.ts\n  ---\n  exitCode: 3\n  ...'))
  t.same([passed, failed], [1, 1])
})

test('a file without tests, and one that could not be loaded, count as failed', async (t) => {
  t.match(await count('TAP version 14\nok 1 - a.test.ts # SKIP no tests found\n1..1\n'), { passed: 0, failed: 1 })
  t.match(await count('TAP version 14\nok 1 - a.test.ts\n1..1\n'), { passed: 0, failed: 1 })
  t.match(await count(file(['1..0'], 'not ok 1 - a.test.ts')), { passed: 0, failed: 1 })
})

test('a bail out counts as failed', async (t) => {
  const { failed, files } = await count('TAP version 14\n# Subtest: a.test.ts\n    Bail out! no more\nBail out! no more\n')
  t.ok(failed >= 1)
  t.match(files.at(-1)!.failures, ['no more'])
})

test('a run that said nothing counts nothing', async (t) => {
  t.match(await count(''), { passed: 0, failed: 0 })
})
