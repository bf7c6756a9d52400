import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { KpipeError } from '@kpipe/engine/contracts'
import { withHint } from '../failure.ts'
import { restoredLine, restoredText } from '../restore/restored-text.ts'
import type { RestoreRun } from '../restore/run-restore.ts'
import type { Terminal } from '../terminal.ts'
import type { Where, WhereFlags } from '../where/open.ts'
import { clusterOfSnapshot } from './cluster-of-snapshot.ts'
import type { ClusterFile } from './cluster-file.ts'
import { decide } from './decide.ts'
import type { RestorePlan } from './decide.ts'
import { executeLocal, nextText } from './execute-local.ts'
import { localMember, thisHost } from './local-member.ts'
import { lookInto } from './look-into.ts'
import { planJson } from './plan-json.ts'
import { planText } from './plan-text.ts'
import { stepsOf } from './steps.ts'

/** @param cluster undefined for the members that the snapshot names */
export async function makeRestorePlan(cluster: ClusterFile | undefined, run: Omit<RestoreRun, 'to'>): Promise<RestorePlan> {
  const insight = await lookInto(run)
  const named = cluster === undefined ? clusterOfSnapshot(run.snapshot, insight) : { cluster, assumed: [] }
  return decide({ snapshot: run.snapshot, insight, ...named, pipelineTls: tlsOf(run.pipeline) })
}

/** Writes the plan: as text, or with `--json` as an object; to a new file with `--to`. @throws KpipeError KPIPE_TARGET_EXISTS, KPIPE_TARGET_FAILED */
export async function tellRestorePlan(
  plan: RestorePlan,
  where: Where,
  flags: WhereFlags & { readonly to?: string | undefined },
  terminal: Terminal,
): Promise<void> {
  const steps = stepsOf(plan, { words: repositoryWords(where, flags), pipelineFile: where.pipeline?.file, store: flags.store })
  const text = terminal.json ? `${JSON.stringify(planJson(plan, steps), null, 2)}\n` : planText(plan, steps)
  const { to } = flags
  if (to === undefined || to === '-') return terminal.write(text)
  await writeFile(to, text, { flag: 'wx', mode: 0o600 }).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'EEXIST') throw new KpipeError('KPIPE_TARGET_EXISTS', `${to} exists already`, { path: to })
    throw new KpipeError('KPIPE_TARGET_FAILED', `${to} cannot be written: ${cause.message}`, { path: to }, { cause })
  })
  const count = plan.members.length
  terminal.say(`plan for ${count} ${count === 1 ? 'member' : 'members'} written to ${to}`)
  if (terminal.json) terminal.line({ message_type: 'summary', snapshot_id: plan.snapshot.id, name: plan.snapshot.name, members: count, to })
}

/** Does what the plan has for this host. */
export async function doLocalPart(
  plan: RestorePlan,
  named: string | undefined,
  run: Omit<RestoreRun, 'to'>,
  terminal: Terminal,
  remarks: string[],
): Promise<void> {
  const { snapshot, repository } = run
  const member = localMember(plan.members, named, thisHost())
  const { target, made } = await executeLocal(plan, member, run, terminal)
  for (const remark of remarks) terminal.warn(remark)
  const restored = { snapshot, target, made: made ?? {}, bytes: snapshot.bytes, seconds: performance.now() / 1000, head: repository.head }
  if (made !== undefined) terminal.say(restoredText(restored))
  terminal.say(nextText(plan, member))
  if (terminal.json) terminal.line({ ...restoredLine(restored, remarks), member: member.name, made_before: made === undefined })
}

/** What `--execute-local` needs: nothing may be left to decide, or each host would decide for itself. @throws KpipeError KPIPE_USAGE */
export function demandDecided(cluster: ClusterFile | undefined): void {
  const missing = (['snapshot', 'digest', 'token'] as const).filter((name) => cluster?.[name] === undefined)
  if (missing.length === 0) return
  const error = new KpipeError(
    'KPIPE_USAGE',
    `--execute-local needs a plan in which everything is decided: ${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} missing`,
  )
  throw withHint(
    error,
    'Make one for all hosts with `kpipe restore SNAPSHOT --plan cluster.yaml --json --to plan.json`, and give that to --plan.',
  )
}

/** The flags that open the same repository elsewhere. */
function repositoryWords({ pipeline }: Where, flags: WhereFlags): string[] {
  const paths = {
    store: flags.store,
    'key-file': flags['key-file'],
    'recovery-phrase-file': flags['recovery-phrase-file'],
    'password-file': flags['password-file'],
  }
  const words = Object.entries(paths).flatMap(([name, path]) => (path === undefined ? [] : [`--${name}`, resolve(path)]))
  if (pipeline !== undefined) words.unshift('--config', pipeline.file)
  return [...words, ...(flags.stage ?? []).flatMap((stage) => ['--stage', stage])]
}

/** Certificates of an etcd that is backed up over TLS. */
function tlsOf(pipeline: RestoreRun['pipeline']): RestorePlan['tls'] {
  const { cacert, cert, key } = (pipeline?.source.settings ?? {}) as Readonly<Record<string, unknown>>
  return Object.fromEntries(Object.entries({ cacert, cert, key }).filter(([, value]) => typeof value === 'string'))
}
