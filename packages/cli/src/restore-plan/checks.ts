import { shellWord } from '../output/shell-words.ts'
import type { RestorePlan } from './decide.ts'
import { etcdctlOf } from './service.ts'
import type { Step } from './step.ts'

/** What is looked at before anybody may write. */
export function checks(plan: RestorePlan): Step[] {
  const { members, insight } = plan
  const [first] = members
  const steps: Step[] = [
    {
      title: 'Check the new cluster, before anybody writes',
      text: [
        `On ${first!.host}, or any other host where etcdctl is; \`kpipe members\` shows the same but for the hashes.${insight.authEnabled ? ' Authentication is on, with the users and passwords of the snapshot: etcdctl asks for that of root.' : ''}`,
      ],
      parts: [
        {
          hosts: [first!.host],
          commands: [
            shortcut(plan),
            'ctl endpoint health',
            'ctl member list -w table',
            'ctl endpoint status -w table',
            'ctl endpoint hashkv -w table',
          ],
          seen: expected(plan),
        },
      ],
    },
  ]
  if (insight.alarms.includes('NOSPACE'))
    steps.push({
      title: 'Lift the alarm NOSPACE',
      text: [
        'The snapshot was taken while etcd refused writes, because its database had reached the quota. The new database is compact, but the alarm came along. Look at the size in the table above: when it is still near the quota (`--quota-backend-bytes`, 2 GiB by default), raise that first.',
      ],
      parts: [
        {
          hosts: [first!.host],
          commands: ['ctl alarm list', 'ctl alarm disarm', 'ctl alarm list'],
          seen: 'In the shell of the step before. The second list is empty.',
        },
      ],
    })
  if (insight.alarms.includes('CORRUPT'))
    steps.push({
      title: 'Look into the alarm CORRUPT',
      text: [
        'The snapshot was taken while a member was marked as corrupt, and the alarm came along. Take an older snapshot, from before the alarm, if you can. Otherwise compare what matters, and lift it.',
      ],
      parts: [{ hosts: [first!.host], commands: ['ctl alarm list', 'ctl alarm disarm'], seen: 'In the shell of the step before.' }],
    })
  return steps
}

function expected(plan: RestorePlan): string {
  const { members, bump, snapshot } = plan
  const from =
    typeof bump === 'number'
      ? `${(snapshot.revision ?? 0) + bump} or a little more`
      : `${snapshot.revision} or ${bump === 'none' ? 'a little ' : ''}more`
  const hash = ownHash(plan)
  const alone = members.length === 1
  const seen = [
    alone ? 'the endpoint is healthy' : 'all endpoints are healthy',
    `the member${alone ? '' : 's'} ${members.map(({ name }) => name).join(', ')}, started, and nobody else`,
    ...(alone ? [] : ['one leader']),
    `revision ${from}`,
    ...(alone ? [] : ['the same hash of all at the same revision']),
    ...(hash === undefined ? [] : [`while nobody has written, that hash is ${hash}, the snapshot's own`]),
  ]
  return `To be seen: ${seen.join('; ')}. If not: stop here and look at what etcd says. The old data are still there.`
}

/** HashKV of the snapshot as it was noted; revisions that are bumped change it. */
function ownHash({ bump, snapshot }: RestorePlan): number | undefined {
  const { hash_kv: noted } = snapshot.facts
  if (bump !== 'none' || typeof noted !== 'object' || noted === null || !('hash' in noted)) return undefined
  return typeof noted.hash === 'number' ? noted.hash : undefined
}

/** A name for the shell that it is defined in. */
function shortcut(plan: RestorePlan): string {
  return `ctl() { ${etcdctl(plan)} "$@"; }`
}

/** With all endpoints of the new cluster. */
export function etcdctl({ members, tls, insight }: RestorePlan): string {
  const endpoints = members.map(({ clientUrls }) => clientUrls[0]!).join()
  const flags = Object.entries({ endpoints, ...tls, ...(insight.authEnabled && { user: 'root' }) }).map(
    ([name, value]) => `--${name}=${shellWord(value)}`,
  )
  return `${etcdctlOf(members[0]!.etcd, insight.authEnabled)} ${flags.join(' ')}`
}
