import Table from 'cli-table3'
import { visibleLine } from './visible.ts'

export type Alignment = 'left' | 'right'

const crossings = ['top', 'mid', 'bottom'].flatMap((row) =>
  ['left', 'mid', 'right'].map((column) => (row === 'mid' ? `${column}-mid` : `${row}-${column}`)),
)

/** The lines that etcdutl up to 3.6 draws tables with. */
const ascii = {
  top: '-',
  bottom: '-',
  left: '|',
  right: '|',
  mid: '-',
  middle: '|',
  ...Object.fromEntries(crossings.map((name) => [name, '+'])),
}
const none = Object.fromEntries(Object.keys(ascii).map((name) => [name, '']))

/** A table with `+-|` around every column, headings in the middle, as etcdutl 3.6 draws it. */
export function boxedTable(headings: readonly string[], rows: readonly (readonly string[])[], alignments: readonly Alignment[]): string {
  const table = new Table({
    head: headings.map((content) => ({ content, hAlign: 'center' as const })) as unknown as string[],
    chars: { ...ascii },
    colAligns: [...alignments],
    style: { head: [], border: [], compact: true },
  })
  table.push(...rows.map((row) => row.map(visibleLine)))
  return `${table.toString()}\n`
}

/** Columns with two blanks between them, for pipes and logs. */
export function plainTable(headings: readonly string[], rows: readonly (readonly string[])[], alignments: readonly Alignment[]): string {
  const table = new Table({
    chars: { ...none, middle: '  ' },
    colAligns: [...alignments],
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  })
  table.push([...headings], ...rows.map((row) => row.map(visibleLine)))
  return `${table.toString().replaceAll(/ +$/gm, '')}\n`
}
