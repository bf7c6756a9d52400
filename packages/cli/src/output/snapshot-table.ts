import type { Snapshot } from '@kpipe/repository'
import { sizeText } from './size-text.ts'
import { localTime } from './time-text.ts'

/** A snapshot as programs read it. */
export function snapshotRow({ id, name, member, time, revision, keys, bytes, tags }: Snapshot): Record<string, unknown> {
  return { id, name, member, time: time.toISOString(), revision, keys, bytes, tags }
}

/** A snapshot list as people read it: with lines around it on a terminal, plain columns elsewhere. */
export async function snapshotTable(snapshots: readonly Snapshot[], boxed: boolean): Promise<string> {
  const { boxedTable, plainTable } = await import('./table.ts')
  const rows = snapshots.map(({ shortId, name, time, revision, keys, bytes, tags }) => [
    shortId,
    name,
    localTime(time),
    String(revision ?? '-'),
    String(keys ?? '-'),
    sizeText(bytes),
    tags.join(' '),
  ])
  const headings = ['ID', 'NAME', 'TIME', 'REVISION', 'KEYS', 'SIZE', 'TAGS']
  const draw = boxed ? boxedTable : plainTable
  return draw(headings, rows, ['left', 'left', 'left', 'right', 'right', 'right', 'left'])
}
