import type { SourceMember } from '@kpipe/engine/contracts'
import { sizeText } from './size-text.ts'
import { boxedTable, plainTable } from './table.ts'

/** A member as programs read it; what is not known is null. */
export function memberRow({
  id,
  name,
  endpoint,
  version,
  size,
  inUse,
  leader,
  learner,
  lag,
  errors,
}: SourceMember): Record<string, unknown> {
  const known = { id, name, endpoint, version, db_size: size, db_size_in_use: inUse, leader, learner, lag }
  return { ...Object.fromEntries(Object.entries(known).map(([field, value]) => [field, value ?? null])), errors }
}

/** As people read it. */
export function memberTable(members: readonly SourceMember[], boxed: boolean): string {
  const yesNo = (value: boolean | undefined) => (value === undefined ? '-' : value ? 'yes' : 'no')
  const bytes = (value: number | undefined) => (value === undefined ? '-' : sizeText(value))
  const rows = members.map(({ id, name, endpoint, version, size, inUse, leader, learner, lag, errors }) => [
    name ?? '-',
    id ?? '-',
    endpoint ?? '-',
    version ?? '-',
    bytes(size),
    bytes(inUse),
    yesNo(leader),
    yesNo(learner),
    String(lag ?? '-'),
    errors.join('; '),
  ])
  const headings = ['NAME', 'ID', 'ENDPOINT', 'VERSION', 'SIZE', 'IN USE', 'LEADER', 'LEARNER', 'LAG', 'ERRORS']
  const draw = boxed ? boxedTable : plainTable
  return draw(headings, rows, ['left', 'left', 'left', 'left', 'right', 'right', 'left', 'left', 'right', 'left'])
}
