import { styleText } from 'node:util'
import { test } from 'tap'
import { boxedTable, plainTable } from '../../src/output/table.ts'
import { visible, visibleLine } from '../../src/output/visible.ts'

const escapes = [
  '\u001B[2J',
  '\u001B]0;title\u0007',
  '\u009B31m',
  '\r',
  '\b',
  '\0',
  '\u007F',
  '\u0085',
  '\u2028',
  '\u202E',
  '\u2066',
  '\u001B[8m',
]

test('what a terminal would act on is shown, and everything else stays', async (t) => {
  for (const escape of escapes) {
    t.notMatch(visible(`a${escape}b`), escape)
    t.equal(JSON.parse(`"${visible(`a${escape}b`)}"`), `a${escape}b`, 'in JSON it means the same')
  }
  const plain = 'Zürich, 東京, 🙂, tab\t, "quoted" \\ and\na second line'
  t.equal(visible(plain), plain)
  t.equal(visibleLine(plain), String.raw`Zürich, 東京, 🙂, tab\u0009, "quoted" \ and\u000aa second line`)
})

test('colours of kpipe itself stay', async (t) => {
  for (const colour of ['red', 'yellow', 'green', 'dim', 'bold'] as const) {
    const text = styleText(colour, 'text', { validateStream: false })
    t.match(text, '\u001B')
    t.equal(visible(text), text)
    t.notMatch(visibleLine(text), '\u001B')
  }
})

test('no cell of a table breaks out of it', async (t) => {
  for (const draw of [plainTable, boxedTable]) {
    const drawn = draw(['NAME', 'TAGS'], [['one\ntwo', escapes.join('')]], ['left', 'left'])
    t.match(drawn, String.raw`one\u000atwo`)
    for (const [index, escape] of escapes.entries()) t.notOk(drawn.includes(escape), `escape ${index}`)
  }
})
