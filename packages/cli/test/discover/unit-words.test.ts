import { test } from 'tap'
import { unitWords, withVariables } from '../../src/discover/unit-words.ts'

test('quotes are taken off, and escapes stand for what they mean', async (t) => {
  t.same(unitWords(`a "b c" 'd "e"' f\\x20g h\\tb --x="y z"`), ['a', 'b c', 'd "e"', 'f g', 'h\tb', '--x=y z'])
  t.same(unitWords(`"" '\\'' \\101`), ['', "'", 'A'])
  t.same(unitWords('  '), [])
  t.same(unitWords('end\\'), ['end'])
})

test('a variable is filled in anywhere with braces, and as a word of its own without', async (t) => {
  const variables = new Map([
    ['ARGS', `--name=a '--data-dir=/var/lib/my etcd'`],
    ['IP', '10.0.0.1'],
  ])
  t.same(withVariables(['x', '$ARGS', '--u=${IP}:1', '$IP:2', '$NOT', '${NOT}', '$$IP', 'a$${IP}'], variables), [
    'x',
    '--name=a',
    '--data-dir=/var/lib/my etcd',
    '--u=10.0.0.1:1',
    '$IP:2',
    '',
    '$IP',
    'a${IP}',
  ])
})
