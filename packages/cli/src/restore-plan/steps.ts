import { shellLine, shellLines } from '../output/shell-words.ts'
import { visibleLine } from '../output/visible.ts'
import { restoreTarget } from '../restore/restore-target.ts'
import { afterwards } from './afterwards.ts'
import { checks } from './checks.ts'
import { memberFlags } from './decide.ts'
import type { PlannedMember, RestorePlan } from './decide.ts'
import { grouped } from './grouped.ts'
import { starting, stopping } from './service.ts'
import type { Step } from './step.ts'
import { startFlags } from './start-flags.ts'

/** How the repository was opened here. */
export interface RepositoryPlace {
  /** The flags for it, with absolute paths. */
  readonly words: readonly string[]
  readonly pipelineFile: string | undefined
  readonly store: string | undefined
}

export function stepsOf(plan: RestorePlan, place: RepositoryPlace): Step[] {
  const { words: repository } = place
  return [
    tryOut(plan, place),
    ...stopApiservers(plan),
    stopEtcds(plan),
    makeDataDirs(plan, repository),
    startFlags(plan),
    startEtcds(plan),
    ...checks(plan),
    ...startApiservers(plan),
    afterwards(plan),
  ]
}

/** The command of one member. */
export function memberWords(plan: RestorePlan, member: PlannedMember, repository: readonly string[]): string[] {
  const { words } = restoreTarget(memberFlags(plan, member))
  return ['kpipe', 'restore', plan.snapshot.id, '--expect-digest', plan.digest, ...repository, ...words]
}

function tryOut({ snapshot, members }: RestorePlan, { words, pipelineFile, store }: RepositoryPlace): Step {
  const needs =
    pipelineFile === undefined
      ? `the repository as ${store} (a copy or a read-only mount will do), and its key or recovery phrase`
      : `${pipelineFile}, and the repository and the key that it names. Where that file is lost, give \`--store PATH --key-file FILE\` or \`--store PATH --recovery-phrase-file FILE\` instead of \`--config\` in all commands`
  const { attachments, status_hash: hash } = snapshot.facts
  const names = Array.isArray(attachments)
    ? attachments.flatMap((file) =>
        typeof file === 'object' && file !== null && 'path' in file ? [visibleLine(String(file['path']))] : [],
      )
    : []
  return {
    title: 'While everything still runs: try the repository on each host',
    text: [
      `Each host needs kpipe, ${needs}. This reads the whole snapshot and changes nothing.`,
      ...(names.length > 0
        ? [`Files that were stored with it (\`kpipe restore ${snapshot.shortId} --attachments FOLDER\` writes them): ${names.join(', ')}.`]
        : []),
    ],
    parts: grouped(members, () => ({
      commands: [shellLine(['kpipe', 'status', snapshot.id, ...words])],
      seen: `It ends with a table that has the hash ${Number(hash).toString(16)}, revision ${snapshot.revision}.`,
    })),
  }
}

function stopApiservers({ apiserver, apiserverHosts }: RestorePlan): Step[] {
  if (apiserver === undefined)
    return [
      {
        title: 'Stop whatever writes to etcd',
        text: ['Nobody may read or write until the end: whoever does so now sees one history, and another one afterwards.'],
        parts: [],
      },
    ]
  const { commands, seen } = stopping(apiserver)
  return [
    {
      title: 'Stop every API server',
      text: ['From here on the cluster has no control plane; what runs on the nodes goes on running.'],
      parts: [{ hosts: apiserverHosts, commands, seen }],
    },
  ]
}

function stopEtcds({ members, leftOut }: RestorePlan): Step {
  const [first] = members
  const rest = leftOut.map(({ host }) => ({ host, etcd: first!.etcd }))
  const text = [
    'All of them, also those that seem broken: a member of the old cluster that goes on running would answer clients with old data.',
  ]
  if (leftOut.length > 0)
    text.push(
      `${leftOut.map(({ name }) => name).join(', ')}: no part of the new cluster. It stays stopped; do not put its manifest back or start its unit before it was added anew, as the last step says. When its host is gone, there is nothing to do.`,
    )
  return { title: 'Stop every etcd', text, parts: grouped([...members, ...rest], ({ etcd }) => stopping(etcd)) }
}

function makeDataDirs(plan: RestorePlan, repository: readonly string[]): Step {
  return {
    title: 'Make the data directory of each member',
    text: [
      `Each on its own host; the order does not matter. \`--move-aside\` keeps what is there, under its name with \`.before-\` and the time: nothing is deleted. It refuses when an etcd still runs on it, and when this very restore was done already, so that running it again does no harm. Any other snapshot than this one is refused, too.`,
      ...(plan.members.some(({ owner }) => owner === undefined)
        ? ['Run it as root: the files then get the owner of those that were there.']
        : []),
    ],
    parts: plan.members.map((member) => ({
      hosts: [member.host],
      commands: [shellLines(memberWords(plan, member, repository))],
      seen: '',
    })),
  }
}

function startEtcds({ members }: RestorePlan): Step {
  const majority = Math.floor(members.length / 2) + 1
  const text =
    members.length === 1
      ? []
      : [
          `All of them, within a minute or so. Each waits until ${majority} of ${members.length} are there; until then it says that it has no leader.`,
        ]
  return { title: members.length === 1 ? 'Start etcd' : 'Start every etcd', text, parts: grouped(members, ({ etcd }) => starting(etcd)) }
}

function startApiservers({ apiserver, apiserverHosts }: RestorePlan): Step[] {
  if (apiserver === undefined) return [{ title: 'Let the clients in again', text: ['Start what was stopped in step 2.'], parts: [] }]
  return [{ title: 'Start every API server', text: [], parts: [{ hosts: apiserverHosts, ...starting(apiserver) }] }]
}
