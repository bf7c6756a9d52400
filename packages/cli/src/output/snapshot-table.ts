import type { Snapshot } from '@kpipe/repository'
import { attachmentsOf } from '../restore/attachments/attachments-of.ts'
import { sizeText } from './size-text.ts'
import { ageText, localTime } from './time-text.ts'

/** A snapshot as programs read it. */
export function snapshotRow(snapshot: Snapshot): Record<string, unknown> {
  const { id, name, member, time, revision, keys, bytes, tags, facts, drill } = snapshot
  const told = {
    quorum: facts['quorum'] ?? null,
    evidence: facts['evidence'] ?? null,
    drill: drill ?? null,
    attachments: attachmentsOf(snapshot),
  }
  return { id, name, member, time: time.toISOString(), revision, keys, bytes, tags, ...told }
}

/** A snapshot list as people read it: with lines around it on a terminal, plain columns elsewhere. */
export async function snapshotTable(snapshots: readonly Snapshot[], boxed: boolean): Promise<string> {
  const { boxedTable, plainTable } = await import('./table.ts')
  const columns: Column[] = [
    ...fixed,
    ...(snapshots.some(({ drill }) => drill !== undefined) ? [{ heading: 'DRILL', cell: drillOf }] : []),
    ...(snapshots.some((snapshot) => noteOf(snapshot) !== '') ? [{ heading: 'NOTE', cell: noteOf }] : []),
  ]
  const rows = snapshots.map((snapshot) => columns.map(({ cell }) => cell(snapshot)))
  const draw = boxed ? boxedTable : plainTable
  return draw(columns.map(({ heading }) => heading), rows, columns.map(({ alignment }) => alignment ?? 'left')) // prettier-ignore
}

interface Column {
  readonly heading: string
  readonly alignment?: 'left' | 'right'
  cell(snapshot: Snapshot): string
}

const fixed: readonly Column[] = [
  { heading: 'ID', cell: ({ shortId }) => shortId },
  { heading: 'NAME', cell: ({ name }) => name },
  { heading: 'TIME', cell: ({ time }) => localTime(time) },
  { heading: 'REVISION', alignment: 'right', cell: ({ revision }) => String(revision ?? '-') },
  { heading: 'KEYS', alignment: 'right', cell: ({ keys }) => String(keys ?? '-') },
  { heading: 'SIZE', alignment: 'right', cell: ({ bytes }) => sizeText(bytes) },
  { heading: 'TAGS', cell: ({ tags }) => tags.join(' ') },
]

/** How its last drill went: `booted 2h ago`; a column of its own where there was any. */
function drillOf({ drill }: Snapshot): string {
  if (drill === undefined) return ''
  return `${drill.passed ? drill.level : 'failed'} ${ageText((Date.now() - drill.time.getTime()) / 1000)} ago`
}

/** What to know before it is restored; a column of its own where there is any. */
function noteOf({ facts }: Snapshot): string {
  const notes = [...(facts['evidence'] === 'disputed' ? ['disputed'] : []), ...(facts['quorum'] === 'lost' ? ['quorum: lost'] : [])]
  return notes.join(', ')
}
