import { hookTimes } from '@kpipe/engine'
import type { Retention } from '@kpipe/engine'
import type { Fact } from '@kpipe/engine/contracts'
import { describeFailure } from '../failure.ts'
import { sizeText } from '../output/size-text.ts'
import { localTime } from '../output/time-text.ts'
import type { Part, Plan } from './make-plan.ts'
import { roleOf } from './source-answer.ts'

/** A plan for people: a row for each thing that a run would touch. */
export function planText(plan: Plan): string {
  const { pipeline, parent } = plan
  const rows: (readonly [string, string | undefined])[] = [
    ['source', rowOf(plan.source, () => sourceText(plan))],
    ['expires', plan.source.found && expiryText(plan.source.found.facts)],
    ['attached', attachedText(plan)],
    ['stages', pipeline.stages.map((stage) => stage.package.replace('@kpipe/stage-', '')).join(', ')],
    [
      'store',
      rowOf(plan.store, ({ location, probed, freeBytes }) =>
        [
          location,
          probed ? 'create, read, list and remove work' : 'not tried, for there is no repository yet',
          ...(freeBytes === undefined ? [] : [`${sizeText(freeBytes)} free`]),
        ].join(', '),
      ),
    ],
    ['repository', rowOf(plan.repository, ({ id, snapshots }) => `${id}, ${countText(snapshots().length, 'snapshot')}`)],
    [
      'parent',
      parent && `${parent.shortId} of ${localTime(parent.time)}${parent.revision === null ? '' : `, revision ${parent.revision}`}`,
    ],
    ['fresh', plan.prediction && predictionText(plan.prediction)],
    ['hooks', hooksText(plan)],
    [
      'retry',
      pipeline.retry.attempts > 1
        ? `${countText(pipeline.retry.attempts, 'attempt')}, ${pipeline.retry.delayMs / 1000} s apart`
        : undefined,
    ],
    ['retention', pipeline.retention && retentionText(pipeline.retention)],
    ['metrics', pipeline.metrics?.textfile],
  ]
  const shown = rows.filter(([, text]) => text !== undefined && text !== '').map(([label, text]) => `  ${label.padEnd(12)}${text}`)
  const name = nameOf(plan)
  return [`plan of ${name === undefined ? '' : `${name}, `}${pipeline.file}; nothing was stored`, ...shown, ''].join('\n')
}

/** The same for programs. Names and units are stable. */
export function planLine(plan: Plan): Record<string, unknown> {
  const { pipeline, attached, prediction, parent } = plan
  const { retry, metrics, hooks } = pipeline
  return {
    message_type: 'plan',
    file: pipeline.file,
    name: nameOf(plan) ?? null,
    source: lineOf(plan.source, ({ member, bytes, facts }) => ({
      stage: pipeline.source.package,
      member,
      bytes: bytes ?? null,
      endpoint: facts['endpoint'] ?? null,
      server_version: facts['server_version'] ?? null,
      role: roleOf(facts) ?? null,
      quorum: facts['quorum'] ?? null,
      certificate_not_after: facts['certificate_not_after'] ?? null,
      server_certificate_not_after: facts['server_certificate_not_after'] ?? null,
    })),
    attach: { paths: pipeline.attach, files: attached.files.length, bytes: attachedBytes(attached), attention: attached.attention },
    stages: pipeline.stages.map((stage) => stage.package),
    store: lineOf(plan.store, ({ location, probed, freeBytes }) => ({ location, probed, free_bytes: freeBytes ?? null })),
    repository: lineOf(plan.repository, ({ id, head, snapshots }) => ({ id, head, snapshots: snapshots().length })),
    parent: parent === undefined ? null : { id: parent.id, time: parent.time.toISOString(), revision: parent.revision },
    predicted:
      prediction === undefined ? null : { bytes_read: prediction.read, bytes_fresh: prediction.fresh, bytes_stored: prediction.stored },
    hooks: Object.fromEntries(hookTimes.map((when) => [when, hooks[when].length])),
    retry: { attempts: retry.attempts, delay_seconds: retry.delayMs / 1000 },
    retention: pipeline.retention ?? null,
    textfile: metrics?.textfile ?? null,
  }
}

function nameOf({ pipeline, source }: Plan): string | undefined {
  return pipeline.name ?? source.found?.name
}

function sourceText({ pipeline, source }: Plan): string {
  const { facts = {}, bytes } = source.found ?? {}
  const said = (fact: Fact | undefined, before = '') => (typeof fact === 'string' && fact !== '' ? [`${before}${fact}`] : [])
  const words = [
    ...said(facts['endpoint'] ?? source.found?.name),
    ...said(facts['server_version'], 'etcd '),
    ...said(roleOf(facts)),
    ...(facts['quorum'] === 'lost' ? ['quorum lost'] : []),
    ...(bytes === undefined ? [] : [sizeText(bytes)]),
  ]
  return `${pipeline.source.package.replace('@kpipe/stage-', '')}: ${words.join(', ')}`
}

function attachedText({ pipeline, attached }: Plan): string {
  if (pipeline.attach.length === 0) return ''
  const { files, attention } = attached
  const left = attention.length === 0 ? '' : `, and ${countText(attention.length, 'path')} that a run would leave out`
  return `${countText(files.length, 'file')}, ${sizeText(attachedBytes(attached))}, of ${pipeline.attach.join(', ')}${left}`
}

function attachedBytes({ files }: Plan['attached']): number {
  return files.reduce((sum, { bytes }) => sum + bytes.length, 0)
}

function expiryText(facts: Readonly<Record<string, Fact>>): string {
  const certificates = [
    ['client certificate', facts['certificate_not_after']],
    ['server certificate', facts['server_certificate_not_after']],
  ] as const
  return certificates.flatMap(([what, at]) => (typeof at === 'string' ? [`${what} ${at}`] : [])).join(', ')
}

function predictionText({ fresh, stored, basis }: NonNullable<Plan['prediction']>): string {
  const about = (bytes: number | null) => (bytes === null ? 'unknown' : `about ${sizeText(bytes)}`)
  return `${about(fresh)}, stored ${about(stored)}: ${basis}`
}

function retentionText({ counts, within, tags, prune, timezone }: Retention): string {
  const rules = Object.entries(counts).map(([rule, count]) => `${count} ${rule.replace('keep-', '')}`)
  if (within !== undefined) rules.push(`within ${within}`)
  rules.push(...tags.map((tag) => `tag ${tag}`))
  return `keeps ${rules.join(', ')}${timezone === undefined ? '' : ` of ${timezone}`}${prune ? '; gives space back' : ''}`
}

function hooksText({ pipeline: { hooks } }: Plan): string {
  const counts = hookTimes.filter((when) => hooks[when].length > 0).map((when) => `${hooks[when].length} ${when}`)
  return counts.length === 0 ? '' : `${counts.join(', ')}; none was run`
}

function countText(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}

function rowOf<Found>(part: Part<Found>, text: (found: Found) => string): string {
  return part.found === undefined ? `FAILS: ${describeFailure(part.failure).message}` : text(part.found)
}

function lineOf<Found>(part: Part<Found>, line: (found: Found) => Record<string, unknown>): Record<string, unknown> {
  if (part.found !== undefined) return { ready: true, ...line(part.found) }
  const { code, exitCode, message } = describeFailure(part.failure)
  return { ready: false, code, exit_code: exitCode, message }
}
