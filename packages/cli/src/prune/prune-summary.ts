import type { Amount, PruneReport, UnfinishedWriter } from '@kpipe/repository'
import { sizeText } from '../output/size-text.ts'
import { localTime } from '../output/time-text.ts'

/** What a prune did, or would do, for programs. */
export function pruneLine(report: PruneReport, head: string): Record<string, unknown> {
  const amount = ({ objects, bytes }: Amount): Record<string, number> => ({ objects, bytes })
  return {
    message_type: 'summary',
    applied: report.applied,
    bytes_freed: report.freedBytes,
    removed: amount(report.swept),
    leftovers: amount(report.leftovers),
    marked: amount(report.condemned),
    waiting: amount(report.waiting),
    waits_for_writers: report.waitsForWriters,
    rewritten: amount(report.compacted),
    written: amount(report.written),
    bytes_used: report.usedBytes,
    bytes_unused: report.unusedBytes,
    ended_writers: report.endedWriters,
    open_writers: report.openWriters,
    unknown_objects: report.unknown,
    attention: report.attention,
    ended_early: report.endedEarly ?? null,
    head,
  }
}

/** The same for people, one sentence a line. Nothing is said of what there was nothing of. */
export function pruneText(report: PruneReport): string[] {
  const { applied, swept, leftovers, condemned, compacted, written, waiting } = report
  const would = applied ? '' : 'would be '
  const lines = report.endedWriters.map((writer) => `unfinished writer ${writerText(writer)}: ${would}ended, ${writer.reason}`)
  const say = (amount: Amount, text: string): void => {
    if (amount.objects > 0) lines.push(text)
  }
  say(swept, `${packs(swept)}: ${would}removed, no snapshot uses them`)
  say(leftovers, `${objects(leftovers)}: ${would}removed, left by writers that ended`)
  say(condemned, `${packs(condemned)}: ${would}marked, no snapshot uses them`)
  say(
    compacted,
    `${packs(compacted)}: ${would}written anew as ${written.objects > 0 && applied ? packs(written) : sizeText(written.bytes)}, without what no snapshot uses and with what the newest ones need together`,
  )
  say(waiting, `${packs(waiting)}: marked, ${applied ? 'stay' : 'would stay'} until ${waitText(report)}`)
  if (report.waitsForWriters) lines.push(...report.openWriters.map((writer) => `unfinished writer: ${writerText(writer)}`))
  if (report.unknown.length > 0)
    lines.push(`${report.unknown.length} objects are of writers that the log does not know, and stay: ${shown(report.unknown)}`)
  if (report.unusedBytes > 0)
    lines.push(`${sizeText(report.unusedBytes)} of no use ${applied ? 'stay' : 'would stay'} within packs that are in use`)
  if (report.endedEarly !== undefined) lines.push(`ended early: ${report.endedEarly}; the next prune goes on`)
  return lines
}

/** The last line. */
export function pruneSentence({ applied, freedBytes, swept, leftovers, condemned, compacted, endedWriters, waiting }: PruneReport): string {
  const something = [swept, leftovers, condemned, compacted].some(({ objects: count }) => count > 0) || endedWriters.length > 0
  if (!something) return waiting.objects > 0 ? 'nothing to do yet' : 'nothing to prune'
  if (!applied) return `would free ${sizeText(freedBytes)} at once: --apply does it`
  return `freed ${sizeText(freedBytes)}`
}

function waitText({ waitsForWriters }: PruneReport): string {
  return waitsForWriters
    ? 'a later prune: writers that began before they were marked are not finished'
    : 'a later prune, for readers that began before'
}

function writerText({ id, host, pid, since }: UnfinishedWriter): string {
  return `${id} (${host}, process ${pid}, since ${localTime(since)})`
}

function packs({ objects: count, bytes }: Amount): string {
  return `${count} ${count === 1 ? 'pack' : 'packs'}, ${sizeText(bytes)}`
}

function objects({ objects: count, bytes }: Amount): string {
  return `${count} ${count === 1 ? 'object' : 'objects'}, ${sizeText(bytes)}`
}

function shown(names: readonly string[]): string {
  return names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ')
}
