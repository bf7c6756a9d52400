import { evidenceText } from './evidence-text.ts'
import { sizeText } from '../output/size-text.ts'
import { durationText } from '../output/time-text.ts'
import type { BackupOutcome } from './run-backup.ts'

/** The last line of `kpipe run --json`. Names and units are stable. */
export function summaryLine(
  { snapshot, head, bytesStored, report, attached, retained, startedOver, attention }: BackupOutcome,
  seconds: number,
): Record<string, unknown> {
  return {
    message_type: 'summary',
    snapshot_id: snapshot.id,
    name: snapshot.name,
    member: snapshot.member,
    time: snapshot.time.toISOString(),
    revision: snapshot.revision,
    keys: snapshot.keys,
    tags: snapshot.tags,
    bytes_read: report.bytes,
    bytes_fresh: report.bytesFresh,
    bytes_encoded: report.bytesEncoded,
    bytes_stored: bytesStored,
    attachments: attached.length,
    bytes_attached: attachedBytes(attached),
    chunks: report.chunks,
    chunks_fresh: report.chunksFresh,
    chunks_remembered: report.chunksRemembered,
    duration_ms: Math.round(seconds * 1000),
    stage_seconds: Object.fromEntries(Object.entries(report.seconds).map(([stage, spent]) => [stage, Number(spent.toFixed(6))])),
    quorum: snapshot.facts['quorum'] ?? null,
    evidence: snapshot.facts['evidence'] ?? null,
    evidence_note: snapshot.facts['evidence_note'] ?? null,
    started_over: startedOver,
    trailer_verified: report.facts['trailer_verified'] === true,
    retention:
      retained === undefined
        ? null
        : { kept: retained.kept, forgotten: retained.forgotten, bytes_freed: retained.pruned?.freedBytes ?? null },
    head,
    attention,
  }
}

/** The same for people. */
export function summaryText({ snapshot, head, bytesStored, report, attached, retained }: BackupOutcome, seconds: number): string {
  const { name, shortId, revision } = snapshot
  const members = evidenceText(report.facts)
  const stages = Object.entries(report.seconds)
    .filter(([, spent]) => spent >= 0.0005)
    .map(([stage, spent]) => `${stage} ${spent < 9.9995 ? spent.toFixed(3) : spent.toFixed(1)}`)
  const rows = [
    ['read', `${sizeText(report.bytes)} in ${counted(report.chunks, report.plan.pageBytes)}${rememberedText(report.chunksRemembered)}`],
    ['fresh', `${sizeText(report.bytesFresh)} in ${counted(report.chunksFresh, report.plan.pageBytes)}`],
    ['stored', `${sizeText(bytesStored)}, ${ratio(report.bytes + attachedBytes(attached), bytesStored)}`],
    ...(attached.length === 0
      ? []
      : [['with', `${sizeText(attachedBytes(attached))} in ${attached.length} attached ${attached.length === 1 ? 'file' : 'files'}`]]),
    ['trailer', report.facts['trailer_verified'] === true ? 'verified' : 'none to verify'],
    ...(members === undefined ? [] : [['members', members]]),
    ['time', durationText(seconds)],
    ['stages', `${stages.join(', ')} (seconds, over all threads)`],
    ...(retained === undefined ? [] : [['kept', retainedText(retained)]]),
    ['head', head],
  ]
  const at = revision === null ? '' : `, revision ${revision}`
  return [`snapshot ${shortId} of ${name}${at}`, ...rows.map(([label, text]) => `  ${label.padEnd(8)}${text}`), ''].join('\n')
}

/** Of the chunks that were read. */
function rememberedText(chunks: number): string {
  return chunks === 0 ? '' : `, ${chunks} of them as this host remembers them`
}

function attachedBytes(attached: BackupOutcome['attached']): number {
  return attached.reduce((sum, { bytes }) => sum + bytes.length, 0)
}

function retainedText({ kept, forgotten, pruned }: NonNullable<BackupOutcome['retained']>): string {
  const freed = pruned === undefined ? '' : `, ${sizeText(pruned.freedBytes)} freed`
  return `${kept} ${kept === 1 ? 'snapshot' : 'snapshots'}, ${forgotten} forgotten${freed}`
}

function counted(chunks: number, pageBytes: number): string {
  return `${chunks} ${pageBytes > 0 ? 'page' : 'chunk'}${chunks === 1 ? '' : 's'}`
}

/** How many bytes of database one stored byte stands for. */
function ratio(bytesRead: number, bytesStored: number): string {
  const times = bytesRead / Math.max(bytesStored, 1)
  return `ratio ${times < 10 ? times.toFixed(1) : Math.round(times)}`
}
