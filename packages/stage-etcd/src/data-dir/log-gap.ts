import { readWal } from '../wal/read-wal.ts'
import type { WalSummary } from '../wal/read-wal.ts'
import type { MemberRows } from './member-rows.ts'
import { isMissing, reading } from './reading.ts'

/** Undefined when there is no log where it belongs; one that was asked for by `walDir` must be there. @throws KpipeError */
export async function readLog(walDir: string, after: number, asked: boolean): Promise<WalSummary | undefined> {
  return reading(walDir, () =>
    readWal(walDir, after).catch((error: unknown) => {
      if (asked || !isMissing(error)) throw error
      return undefined
    }),
  )
}

/** Sentences about what a snapshot of the database lacks. */
export function gapRemarks(walDir: string, log: WalSummary | undefined, { consistentIndex, term }: MemberRows): string[] {
  if (log === undefined || (log.lastIndex === 0 && log.memberId === undefined))
    return [`no log of etcd is in ${walDir}: how many entries are newer than the database, at index ${consistentIndex}, is not known`]
  const remarks: string[] = []
  if (log.entries > 0) {
    const writes = log.writes === 0 ? 'none of them a write' : `${log.writes} of them ${log.writes === 1 ? 'a write' : 'writes'}`
    // Before 3.5 only transactions that write keys take the index along.
    const rough = term === undefined ? '; before 3.5 that index lags, and the database may hold them' : ', and the snapshot lacks them'
    remarks.push(`${counted(log.entries)} of the log in ${walDir}, ${writes}, ${log.entries === 1 ? 'is' : 'are'} newer than the database, which is at index ${consistentIndex}${rough}`) // prettier-ignore
  }
  if (log.fault !== undefined) remarks.push(`the log in ${walDir} cannot be read to its end, so more may be newer: ${log.fault}`)
  return remarks
}

const counted = (entries: number): string => `${entries} ${entries === 1 ? 'entry' : 'entries'}`
