import type { Snapshot } from '@kpipe/repository'
import { sizeText } from './size-text.ts'
import { localTime } from './time-text.ts'

/** A snapshot as programs read it. */
export function snapshotRow({ id, name, member, time, revision, keys, bytes, tags, facts }: Snapshot): Record<string, unknown> {
  return { id, name, member, time: time.toISOString(), revision, keys, bytes, tags, quorum: facts['quorum'] ?? null }
}

/** A snapshot list as people read it: with lines around it on a terminal, plain columns elsewhere. */
export async function snapshotTable(snapshots: readonly Snapshot[], boxed: boolean): Promise<string> {
  const { boxedTable, plainTable } = await import('./table.ts')
  const noted = snapshots.some((snapshot) => noteOf(snapshot) !== '')
  const rows = snapshots.map((snapshot) => {
    const { shortId, name, time, revision, keys, bytes, tags } = snapshot
    const cells = [shortId, name, localTime(time), String(revision ?? '-'), String(keys ?? '-'), sizeText(bytes), tags.join(' ')]
    return noted ? [...cells, noteOf(snapshot)] : cells
  })
  const headings = ['ID', 'NAME', 'TIME', 'REVISION', 'KEYS', 'SIZE', 'TAGS', ...(noted ? ['NOTE'] : [])]
  const draw = boxed ? boxedTable : plainTable
  return draw(headings, rows, ['left', 'left', 'left', 'right', 'right', 'right', 'left', 'left'])
}

/** What to know before it is restored; a column of its own where there is any. */
function noteOf({ facts }: Snapshot): string {
  return facts['quorum'] === 'lost' ? 'quorum: lost' : ''
}
