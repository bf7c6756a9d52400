import type { CheckReport } from '@kpipe/repository'
import { sizeText } from '../output/size-text.ts'
import { durationText } from '../output/time-text.ts'
import type { DatabaseReport } from './check-databases.ts'

const shownAtMost = 20

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
    unneeded: report.unneeded,
    chunks_healed: report.healed,
    duration_ms: Math.round(seconds * 1000),
    head,
  }
}

/** The same of a clean check, for people. */
export function sentences(report: CheckReport, databases: DatabaseReport | undefined, seconds: number, head: string): string[] {
  const { entries, slots, snapshots, packs, bytes, packsRead, bytesRead } = report
  const log = `${counted(entries, 'log entry', 'log entries')}, ${counted(slots, 'key slot')}`
  const there = report.unneeded.length > 0 ? 'packs' : 'all packs are there'
  const lines = [`checked: ${log}; ${there}: ${packs} of ${counted(snapshots, 'snapshot')}, ${sizeText(bytes)}`]
  if (packsRead > 0) lines.push(`read: ${counted(packsRead, 'pack')}, ${sizeText(bytesRead)}`)
  if (databases !== undefined) {
    const others = databases.others === 0 ? '' : `; in ${counted(databases.others, 'snapshot')} there is none`
    lines.push(`read as etcd: ${counted(databases.databases, 'database')}, ${sizeText(databases.bytes)}${others}`)
  }
  const nothing = report.unneeded.length > 0 ? 'nothing else' : 'nothing'
  return [...lines, ...healedSentences(report), `${nothing} is damaged; ${durationText(seconds)}`, `  head    ${head}`]
}

/** What is no damage any more. */
export function healedSentences({ healed, unneeded }: CheckReport): string[] {
  const lines = unneeded.slice(0, shownAtMost).map(({ object, problem }) => `${object}: ${problem}; no snapshot needs what is lost in it`)
  if (unneeded.length > shownAtMost) lines.push(`and ${unneeded.length - shownAtMost} more that no snapshot needs`)
  if (healed > 0) lines.unshift(`healed: ${counted(healed, 'lost chunk')}, which other packs hold`)
  return lines
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}
