import type { Snapshot } from '@kpipe/repository'
import { durationText } from '../output/time-text.ts'
import type { DrillOutcome } from './run-drill.ts'
import type { Step } from './step.ts'

/** One line for each step. */
export function stepText({ step, result, seconds, note }: Step): string {
  return `${step.padEnd(11)} ${result.padEnd(8)} ${durationText(seconds).padStart(8)}  ${note}\n`
}

/** How it ended, for people. */
export function drilledText({ shortId, name }: Snapshot, { level }: DrillOutcome, seconds: number): string {
  const what =
    level === 'booted' ? 'restores, and etcd serves what was backed up' : 'restores to a database in which every page is as it was noted'
  return `snapshot ${shortId} of ${name} ${what}; level ${level}, ${durationText(seconds)}`
}

/** The same for programs. */
export function drilledRow(
  { id, name }: Snapshot,
  { level, passed, steps }: DrillOutcome,
  more: { readonly recorded: boolean; readonly seconds: number; readonly head: string },
): Record<string, unknown> {
  const { recorded, seconds, head } = more
  return { message_type: 'summary', snapshot_id: id, name, level, passed, recorded, steps, duration_ms: Math.round(seconds * 1000), head }
}

/** What the log keeps of it: what failed, or the last thing that was found and what was not done. */
export function drillNote({ steps }: DrillOutcome): string {
  const failed = steps.find(({ result }) => result === 'failed')
  if (failed !== undefined) return `${failed.step}: ${failed.note}`
  const told = steps.filter(({ result, step }) => result === 'not done' || step === 'server' || step === 'boot')
  return told.map(({ step, result, note }) => `${step}${result === 'ok' ? '' : ` ${result}`}: ${note}`).join('; ')
}
