import type { CheckReport } from '@kpipe/repository'
import { sizeText } from '../output/size-text.ts'
import { durationText } from '../output/time-text.ts'
import type { DatabaseReport } from './check-databases.ts'

/** What was checked, for programs. */
export function summaryLine(
  report: CheckReport,
  databases: DatabaseReport | undefined,
  damages: CheckReport['damages'],
  seconds: number,
  head: string,
): Record<string, unknown> {
  return {
    message_type: 'summary',
    log_entries: report.entries,
    key_slots: report.slots,
    snapshots: report.snapshots,
    packs: report.packs,
    bytes: report.bytes,
    packs_read: report.packsRead,
    bytes_read: report.bytesRead,
    databases: databases?.databases ?? 0,
    bytes_of_databases: databases?.bytes ?? 0,
    damages,
    duration_ms: Math.round(seconds * 1000),
    head,
  }
}

/** The same of a clean check, for people. */
export function sentences(report: CheckReport, databases: DatabaseReport | undefined, seconds: number, head: string): string[] {
  const { entries, slots, snapshots, packs, bytes, packsRead, bytesRead } = report
  const log = `${counted(entries, 'log entry', 'log entries')}, ${counted(slots, 'key slot')}`
  const lines = [`checked: ${log}; all packs are there: ${packs} of ${counted(snapshots, 'snapshot')}, ${sizeText(bytes)}`]
  if (packsRead > 0) lines.push(`read: ${counted(packsRead, 'pack')}, ${sizeText(bytesRead)}`)
  if (databases !== undefined) {
    const others = databases.others === 0 ? '' : `; in ${counted(databases.others, 'snapshot')} there is none`
    lines.push(`read as etcd: ${counted(databases.databases, 'database')}, ${sizeText(databases.bytes)}${others}`)
  }
  return [...lines, `nothing is damaged; ${durationText(seconds)}`, `  head    ${head}`]
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}
