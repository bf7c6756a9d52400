import type { KeySlot } from '@kpipe/repository'
import { localTime } from '../output/time-text.ts'

export const kindNames = { 'key-file': 'key file', 'recovery-phrase': 'recovery phrase', password: 'password' } as const

/** A key slot as programs read it. */
export function slotRow({ id, kind, created, epoch, opened }: KeySlot): Record<string, unknown> {
  return { id, kind, created: created.toISOString(), epoch, opened }
}

/** Key slots as people read them: with lines around them on a terminal, plain columns elsewhere. */
export async function slotTable(slots: readonly KeySlot[], boxed: boolean): Promise<string> {
  const { boxedTable, plainTable } = await import('../output/table.ts')
  const rows = slots.map(({ id, kind, created, epoch, opened }) => [
    id,
    kindNames[kind],
    localTime(created),
    String(epoch),
    opened ? 'opened this' : '',
  ])
  const draw = boxed ? boxedTable : plainTable
  return draw(['SLOT', 'KIND', 'CREATED', 'EPOCH', ''], rows, ['left', 'left', 'left', 'right', 'left'])
}
