import type { Choice, Snapshot } from '@kpipe/repository'
import { snapshotRow } from '../output/snapshot-table.ts'
import { sizeText } from '../output/size-text.ts'

/** A choice as programs read it. */
export function choiceRow({ snapshot, reasons }: Choice<Snapshot>): Record<string, unknown> {
  return { ...snapshotRow(snapshot), keep: reasons.length > 0, reasons }
}

/** Snapshots with what keeps them. Times are in UTC. */
export async function choiceTable(choices: readonly Choice<Snapshot>[], boxed: boolean): Promise<string> {
  const { boxedTable, plainTable } = await import('../output/table.ts')
  const rows = choices.map(({ snapshot: { shortId, name, time, bytes, tags }, reasons }) => [
    shortId,
    name,
    `${time.toISOString().slice(0, 19)}Z`,
    sizeText(bytes),
    tags.join(' '),
    reasons.length > 0 ? 'keep' : 'forget',
    reasons.join(', '),
  ])
  const draw = boxed ? boxedTable : plainTable
  return draw(['ID', 'NAME', 'TIME', 'SIZE', 'TAGS', '', 'WHY'], rows, ['left', 'left', 'left', 'right', 'left', 'left', 'left'])
}
