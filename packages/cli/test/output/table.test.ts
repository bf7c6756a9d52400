import { test } from 'tap'
import { boxedTable, plainTable } from '../../src/output/table.ts'

const headings = ['ID', 'NAME', 'SIZE']
const alignments = ['left', 'left', 'right'] as const
const rows = Array.from({ length: 333 }, (_, index) => [`id${index}`, 'n'.repeat(index % 40), String(index ** 3)])

test('a table of many rows has one heading, and every row under it', async (t) => {
  const boxed = boxedTable(headings, rows, alignments).split('\n')
  t.equal(boxed.length, rows.length + 5, 'three lines, the headings, the end')
  t.equal(new Set(boxed.slice(0, -1).map((line) => line.length)).size, 1)
  t.same(
    boxed.flatMap((line, at) => (line.startsWith('+') ? [at] : [])),
    [0, 2, rows.length + 3],
  )
  const plain = plainTable(headings, rows, alignments).split('\n')
  t.equal(plain.length, rows.length + 2)
  for (const [at, [id, name, size]] of rows.entries()) {
    t.ok(boxed[at + 3].startsWith(`| ${id} `) && boxed[at + 3].includes(` ${name} `) && boxed[at + 3].endsWith(` ${size} |`), id)
    t.ok(plain[at + 1].startsWith(`${id} `) && plain[at + 1].endsWith(` ${size}`), id)
  }
})

test('columns stand in line, whatever the width of characters', async (t) => {
  const wide = [
    ['a', '東京', '1'],
    ['bcd', 'é', '22'],
    ['', '👍 ok', '333'],
  ]
  t.equal(plainTable(headings, wide, alignments), 'ID   NAME   SIZE\na    東京      1\nbcd  é        22\n     👍 ok   333\n')
  t.equal(
    boxedTable(headings, wide, alignments),
    [
      '+-----+-------+------+',
      '| ID  | NAME  | SIZE |',
      '+-----+-------+------+',
      '| a   | 東京  |    1 |',
      '| bcd | é     |   22 |',
      '|     | 👍 ok |  333 |',
      '+-----+-------+------+',
      '',
    ].join('\n'),
  )
})

test('a table without rows has its headings', async (t) => {
  t.equal(plainTable(headings, [], alignments), 'ID  NAME  SIZE\n')
  t.equal(boxedTable(headings, [], alignments).split('\n')[1], '| ID | NAME | SIZE |')
})
