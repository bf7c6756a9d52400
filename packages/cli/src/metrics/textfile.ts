import type { RunFacts } from '../backup/run-facts.ts'

/** One number of the textfile. */
interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** What is told, in this order. Those of the last backup stay as they were when a run makes none, those of drills when there is none. */
const gauges = [
  ['kpipe_last_attempt_timestamp_seconds', 'run', 'When the last run ended, successful or not.'],
  ['kpipe_last_exit_code', 'run', 'Exit code of the last run; 0 and 3 mean that the backup is made.'],
  ['kpipe_duration_seconds', 'run', 'How long the last run took.'],
  ['kpipe_last_success_timestamp_seconds', 'backup', 'When the last backup was made.'],
  ['kpipe_snapshot_revision', 'backup', 'Revision of the last backup.'],
  ['kpipe_bytes_read', 'backup', 'Bytes of the last backup as read from the source.'],
  ['kpipe_bytes_fresh', 'backup', 'Bytes of it that the backup before did not have.'],
  ['kpipe_bytes_stored', 'backup', 'Bytes that it added to the store.'],
  ['kpipe_stage_seconds', 'backup', 'Seconds of work by stage in the last backup, over all threads.'],
  ['kpipe_certificate_not_after_timestamp_seconds', 'backup', 'When the certificates of the connection expire.'],
  ['kpipe_last_drill_timestamp_seconds', 'drill', 'When the last drill ended, passed or not.'],
  ['kpipe_last_drill_passed', 'drill', 'Whether it passed: 1 or 0.'],
  ['kpipe_last_drill_success_timestamp_seconds', 'drill success', 'When a drill last passed, by how far it went.'],
] as const
type GaugeName = (typeof gauges)[number][0]
type Samples = { readonly [name in GaugeName]?: readonly Sample[] }

export interface TextfileOptions {
  readonly facts: RunFacts
  readonly exitCode: number
  /** Seconds. */
  readonly duration: number
  readonly time: Date
  /** The text that is there, empty when there is none. */
  readonly previous: string
}

/** The text for node-exporter's textfile collector (Prometheus text format 0.0.4) after a run. */
export function textfile({ facts, exitCode, duration, time, previous }: TextfileOptions): string {
  const name = facts.outcome?.snapshot.name ?? facts.name ?? nameIn(previous) ?? ''
  const now = time.getTime() / 1000
  const one = (value: number): Sample[] => [{ labels: {}, value }]
  const samples: Samples = {
    kpipe_last_attempt_timestamp_seconds: one(now),
    kpipe_last_exit_code: one(exitCode),
    kpipe_duration_seconds: one(duration),
    ...(facts.outcome && samplesOf(facts.outcome, now)),
  }
  const isKept = (of: Subject): boolean => of.startsWith('drill') || (of === 'backup' && facts.outcome === undefined)
  return textOf(name, samples, isKept, previous)
}

export interface DrillMetrics {
  readonly name: string
  readonly level: 'walked' | 'booted'
  readonly passed: boolean
  readonly time: Date
  readonly previous: string
}

/** The same after a drill, which changes no number of a run. */
export function drillTextfile({ name, level, passed, time, previous }: DrillMetrics): string {
  const now = time.getTime() / 1000
  const samples: Samples = {
    kpipe_last_drill_timestamp_seconds: [{ labels: {}, value: now }],
    kpipe_last_drill_passed: [{ labels: {}, value: Number(passed) }],
    ...(passed && { kpipe_last_drill_success_timestamp_seconds: [{ labels: { level }, value: now }] }),
  }
  return textOf(name, samples, (of) => of !== 'drill', previous)
}

type Subject = (typeof gauges)[number][1]

/** @param isKept whether lines of such a gauge stay that have no fresh one with the same labels */
function textOf(name: string, samples: Samples, isKept: (of: Subject) => boolean, previous: string): string {
  const lines = gauges.flatMap(([gauge, of, help]) => {
    const fresh = (samples[gauge] ?? []).map(({ labels, value }) => [`${gauge}${labelText({ name, ...labels })} `, String(value)] as const)
    const kept = isKept(of) ? keptLines(previous, gauge, name) : []
    const stale = kept.filter((line) => !fresh.some(([start]) => line.startsWith(start)))
    const told = [...fresh.map((parts) => parts.join('')), ...stale]
    return told.length === 0 ? [] : [`# HELP ${gauge} ${help}`, `# TYPE ${gauge} gauge`, ...told]
  })
  return `${lines.join('\n')}\n`
}

function samplesOf({ snapshot, report, bytesStored }: NonNullable<RunFacts['outcome']>, now: number): Samples {
  const one = (value: number): Sample[] => [{ labels: {}, value }]
  const certificates = [
    { certificate: 'client', at: secondsOf(report.facts['certificate_not_after']) },
    { certificate: 'server', at: secondsOf(report.facts['server_certificate_not_after']) },
  ]
  return {
    kpipe_last_success_timestamp_seconds: one(now),
    ...(snapshot.revision !== null && { kpipe_snapshot_revision: one(snapshot.revision) }),
    kpipe_bytes_read: one(report.bytes),
    kpipe_bytes_fresh: one(report.bytesFresh),
    kpipe_bytes_stored: one(bytesStored),
    kpipe_stage_seconds: Object.entries(report.seconds).map(([stage, value]) => ({ labels: { stage }, value: Number(value.toFixed(6)) })),
    kpipe_certificate_not_after_timestamp_seconds: certificates.flatMap(({ certificate, at }) =>
      at === undefined ? [] : [{ labels: { certificate }, value: at }],
    ),
  }
}

/** Unix time of a fact that is a date (RFC 3339), or seconds already. */
function secondsOf(fact: unknown): number | undefined {
  if (typeof fact === 'number') return fact
  const ms = typeof fact === 'string' ? Date.parse(fact) : NaN
  return Number.isNaN(ms) ? undefined : ms / 1000
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const escaped = (value: string) => value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
  return `{${Object.entries(labels)
    .map(([label, value]) => `${label}="${escaped(value)}"`)
    .join(',')}}`
}

function keptLines(previous: string, gauge: string, name: string): string[] {
  const start = `${gauge}${labelText({ name }).slice(0, -1)}`
  return previous.split('\n').filter((line) => line.startsWith(start) && /[,}]/.test(line[start.length] ?? ''))
}

/** The name in a text of an earlier run: one that failed before the source had told its name has no other. */
function nameIn(previous: string): string | undefined {
  const [, escaped] = /^kpipe_last_attempt_timestamp_seconds\{name="((?:[^"\\]|\\.)*)"/m.exec(previous) ?? []
  return escaped?.replaceAll(/\\(.)/g, (_all, letter: string) => (letter === 'n' ? '\n' : letter))
}
