import Table from 'cli-table3'
import { visibleLine } from './visible.ts'

// Drawn here: the library takes seconds for ten thousand rows, as its time grows with the square of their number.

export type Alignment = 'left' | 'right'

/** A table with `+-|` around every column, headings in the middle, as etcdutl 3.6 draws it. */
export function boxedTable(headings: readonly string[], rows: readonly (readonly string[])[], alignments: readonly Alignment[]): string {
  const cells = rows.map((row) => row.map(visibleLine))
  const wanted = widths([headings, ...cells])
  const edge = `+${wanted.map((width) => '-'.repeat(width + 2)).join('+')}+`
  const line = (row: readonly string[], alignment: (column: number) => Alignment | 'center'): string =>
    `|${row.map((text, column) => ` ${padded(text, wanted[column], alignment(column))} `).join('|')}|`
  const body = cells.map((row) => line(row, (column) => alignments[column]))
  return [edge, line(headings, () => 'center'), edge, ...body, ...(body.length > 0 ? [edge] : []), ''].join('\n')
}

/** Columns with two blanks between them, for pipes and logs. */
export function plainTable(headings: readonly string[], rows: readonly (readonly string[])[], alignments: readonly Alignment[]): string {
  const cells = [headings, ...rows.map((row) => row.map(visibleLine))]
  const wanted = widths(cells)
  const line = (row: readonly string[]): string => row.map((text, column) => padded(text, wanted[column], alignments[column])).join('  ')
  return cells.map((row) => `${line(row).trimEnd()}\n`).join('')
}

function padded(text: string, width: number, alignment: Alignment | 'center'): string {
  const blanks = width - widthOf(text)
  const left = alignment === 'left' ? 0 : alignment === 'right' ? blanks : Math.floor(blanks / 2)
  return ' '.repeat(left) + text + ' '.repeat(blanks - left)
}

function widths(rows: readonly (readonly string[])[]): number[] {
  const most = rows[0].map(() => 0)
  for (const row of rows) for (const [column, text] of row.entries()) most[column] = Math.max(most[column], widthOf(text))
  return most
}

/** Columns of a terminal that a text takes. The library knows which characters take two, or none. */
function widthOf(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length
  const table = new Table({ style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 } })
  table.push([text])
  table.toString()
  return table.options.colWidths[0] ?? text.length
}
