import { test } from 'tap'
import { environmentFile } from '../../src/discover/environment-file.ts'

test('variables are read as systemd reads them', async (t) => {
  const text = `# comment
; comment \\
NOT=part of the comment
PLAIN=a b  
EMPTY=
 SPACES =no
export QUOTED="two  words " 
SINGLE='back\\slash $HOME'
DOUBLE="a \\"b\\" \\$c \\d"
LONG=one \\
two
ESCAPED=a\\ b\\#
HASH=a#b # c
OVER="two
lines"
PARTS="a"'b'
QUOTE=it's
no variable
LAST=x`
  t.same(Object.fromEntries(environmentFile(text)), {
    PLAIN: 'a b',
    EMPTY: '',
    QUOTED: 'two  words ',
    SINGLE: 'back\\slash $HOME',
    DOUBLE: 'a "b" $c \\d',
    LONG: 'one two',
    ESCAPED: 'a b#',
    HASH: 'a#b # c',
    OVER: 'two\nlines',
    PARTS: 'ab',
    QUOTE: "it's",
    LAST: 'x',
  })
  t.same(environmentFile(''), [])
  t.same(environmentFile('A="unfinished'), [['A', 'unfinished']])
  t.same(environmentFile('# ends\\'), [])
})
