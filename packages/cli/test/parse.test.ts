import { string as word } from '@oclif/core/args'
import { string } from '@oclif/core/flags'
import { test } from 'tap'
import { command } from '../src/command.ts'
import { outputFlags, writeOutFlag } from '../src/flags.ts'
import { parseArguments } from '../src/parse.ts'

const sample = command({
  summary: 's',
  description: 'd',
  examples: [],
  args: { snapshot: word({ required: true, ignoreStdin: true }) },
  flags: {
    to: string(),
    tag: string({ multiple: true, multipleNonGreedy: true }),
    'write-out': writeOutFlag(['table', 'json']),
    ...outputFlags,
  },
  run: async () => 0,
})
const parse = (...words: string[]) => parseArguments('sample', sample, words)

test('flags and arguments may stand in any order', async (t) => {
  t.match(await parse('--to', './x', 'latest'), { flags: { to: './x' }, args: { snapshot: 'latest' } })
  t.match(await parse('latest', '--to', '-'), { flags: { to: '-' }, args: { snapshot: 'latest' } })
})

test('--tag takes one word, however often it is given', async (t) => {
  t.match(await parse('--tag', 'a', '--tag', 'b', 'latest'), { flags: { tag: ['a', 'b'] }, args: { snapshot: 'latest' } })
})

test('-w, -o and --write-out are one flag', async (t) => {
  for (const flag of ['-w', '-o', '--write-out']) t.match(await parse('x', flag, 'json'), { flags: { 'write-out': 'json' } })
})

test('-v counts', async (t) => {
  t.equal((await parse('x')).verbose, 0)
  t.equal((await parse('x', '-v')).verbose, 1)
  t.equal((await parse('x', '-vv')).verbose, 2)
  t.equal((await parse('x', '-v', '-v')).verbose, 2)
})

test('a misspelt flag is named, with the one that was probably meant', async (t) => {
  await t.rejects(parse('x', '--tagg', 'a'), { code: 'KPIPE_USAGE', message: 'sample has no flag --tagg', hint: /Did you mean --tag\?/ })
  await t.rejects(parse('x', '--wrte-out=json'), { message: 'sample has no flag --wrte-out', hint: /Did you mean --write-out\?/ })
  await t.rejects(parse('x', '--zzzzzz'), { code: 'KPIPE_USAGE', hint: 'See `kpipe help sample`.' })
  await t.rejects(parse('x', '-t', 'o'), { code: 'KPIPE_USAGE', message: 'sample has no flag -t' })
})

test('secrets are refused on the command line, and the sentence says where they go', async (t) => {
  await t.rejects(parse('x', '--password', 'hunter2'), { code: 'KPIPE_USAGE', hint: /does not belong on a command line/ })
  await t.rejects(parse('x', '--recovery-phrase=abc'), { message: 'sample has no flag --recovery-phrase', hint: /--recovery-phrase-file/ })
})

test('missing, surplus and impossible values are mistakes of usage', async (t) => {
  await t.rejects(parse(), { code: 'KPIPE_USAGE', message: /^sample: missing 1 required arg/ })
  await t.rejects(parse('x', 'y'), { code: 'KPIPE_USAGE', message: 'sample: unexpected argument: y' })
  await t.rejects(parse('x', '--to'), { code: 'KPIPE_USAGE', message: /--to expects a value/ })
  await t.rejects(parse('x', '-w', 'xml'), { code: 'KPIPE_USAGE', message: /--write-out=xml to be one of: table, json/ })
})
