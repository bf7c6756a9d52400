import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import type { ClusterFile } from '../../src/restore-plan/cluster-file.ts'
import { planText } from '../../src/restore-plan/plan-text.ts'
import { stepsOf } from '../../src/restore-plan/steps.ts'
import { kubeadm, kubernetes, nothingSpecial, planned, units } from './planned.ts'

const place = {
  words: ['--store', '/mnt/kpipe', '--recovery-phrase-file', '/root/phrase.txt'],
  pipelineFile: undefined,
  store: '/mnt/kpipe',
}

function text(...given: Parameters<typeof planned>): string {
  const plan = planned(...given)
  return planText(plan, stepsOf(plan, place))
}

const goldens: Record<string, () => string> = {
  kubeadm: () => text(kubeadm),
  units: () => text(units, nothingSpecial),
}
for (const [name, make] of Object.entries(goldens)) {
  test(`the plan of three members (${name}) is as it was read and found good`, async (t) => {
    const file = join(import.meta.dirname, `../fixtures/restore-plan-${name}.md`)
    // To make them anew: KPIPE_NEW_GOLDENS=1, and read what has changed.
    if (process.env['KPIPE_NEW_GOLDENS']) writeFileSync(file, make())
    t.equal(make(), readFileSync(file, 'utf8'))
  })
}

const alone: ClusterFile = { members: [{ name: 'default', peerUrls: 'http://10.0.0.1:2380' }] }

test('a single member is not told of others', async (t) => {
  const plan = text(alone, nothingSpecial)
  t.match(plan, '--initial-cluster default=http://10.0.0.1:2380')
  t.match(plan, '## 6. Start etcd\n')
  t.match(plan, 'the endpoint is healthy; the member default, started, and nobody else; revision 142 or more.')
  t.notMatch(plan, /On \*\*|leader|--bump-revision|--no-bump|kubectl|--cacert/)
  t.match(plan, 'bump     by what the data are')
})

test('what the snapshot has that blocks or surprises is told where it matters', async (t) => {
  const insight = { ...kubernetes, alarms: ['NOSPACE'], authEnabled: true, encryption: ['aescbc:v1:key1'] }
  const plan = text(alone, insight, { evidence: 'disputed', attachments: [{ path: '/etc/kubernetes/enc.yaml' }] })
  t.match(plan, '## 8. Lift the alarm NOSPACE')
  t.match(plan, 'ctl alarm disarm')
  t.match(plan, '--user=root "$@"')
  t.match(plan, 'encrypted with aescbc:v1:key1')
  t.match(plan, 'Members disagreed about this snapshot')
  t.match(plan, /--attachments FOLDER.*\/etc\/kubernetes\/enc\.yaml/)
  t.match(text(alone, { ...kubernetes, alarms: ['CORRUPT'] }), '## 8. Look into the alarm CORRUPT')
})

test('HashKV of the snapshot is told where the new members must have it', async (t) => {
  const facts = { hash_kv: { hash: 12345, hash_revision: 142, compact_revision: -1 } }
  t.match(text({ ...alone, bump: 'none' }, nothingSpecial, facts), /that hash is 12345, the snapshot's own/)
  t.notMatch(text(alone, kubernetes, facts), /12345/)
})

test('members that are not restored are stopped, and come back by being added', async (t) => {
  const was = [1, 2, 3].map((n) => ({ name: `cp${n}`, peer_urls: [`https://10.0.0.1${n}:2380`] }))
  const plan = text({ ...kubeadm, members: kubeadm.members.slice(0, 2) }, kubernetes, { cluster_members: was })
  t.match(plan, /## 3\. Stop every etcd\n\n.*\n\ncp3: no part of the new cluster\. It stays stopped/)
  t.match(plan, 'On **cp1**, **cp2**, **10.0.0.13**:')
  t.match(plan, 'A cluster of 2 bears the loss of 0. To bring cp3 back')
  t.notMatch(plan.split('## 4.')[1]!.split('## 9.')[0], 'cp3')
})

test('no command says latest, and each has the whole id and digest', async (t) => {
  for (const plan of [text(kubeadm), text(units)]) {
    t.notMatch(plan, /latest/)
    const commands = plan.match(/kpipe restore [^`]*/g)!.filter((command) => command.includes('\\'))
    t.equal(commands.length, 3)
    for (const command of commands) t.match(command, /^kpipe restore [0-9a-f]{64} \\\n {2}--expect-digest [0-9a-f]{64} \\\n/)
  }
})
