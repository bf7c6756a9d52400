import { test } from 'tap'
import { clusterOfSnapshot } from '../../src/restore-plan/cluster-of-snapshot.ts'
import { decide } from '../../src/restore-plan/decide.ts'
import { planJson } from '../../src/restore-plan/plan-json.ts'
import { stepsOf } from '../../src/restore-plan/steps.ts'
import { kubeadm, kubernetes, nothingSpecial, planned, snapshotWith, units } from './planned.ts'

const place = { words: [], pipelineFile: '/etc/kpipe/backup.yaml', store: undefined }

test('a plan that is read again is the same plan', async (t) => {
  for (const cluster of [kubeadm, units]) {
    const first = planned(cluster)
    const json = planJson(first, stepsOf(first, place))
    const again = decide({
      snapshot: snapshotWith(),
      cluster: JSON.parse(JSON.stringify(json)),
      insight: kubernetes,
      assumed: [],
      pipelineTls: {},
    })
    t.same({ ...again, assumed: [] }, { ...first, assumed: [] })
    t.same(again.assumed, [], 'nothing is left to assume')
    t.same(stepsOf(again, place), stepsOf(first, place))
  }
})

test('each plan has a token of its own', async (t) => {
  const plan = () => decide({ snapshot: snapshotWith(), cluster: kubeadm, insight: kubernetes, assumed: [], pipelineTls: {} })
  t.match(plan().token, /^kpipe-1f0c1f0c1f0c-[0-9a-f]{12}$/)
  t.not(plan().token, plan().token)
})

test('a plan of another snapshot is refused', async (t) => {
  t.throws(() => planned({ ...kubeadm, snapshot: 'ee'.repeat(32) }), {
    code: 'KPIPE_USAGE',
    message: /the plan is of snapshot eeeeeeeeeeee/,
  })
})

test('an older etcd than that of the snapshot is refused before anything is stopped', async (t) => {
  const of = (etcdVersion: '3.5' | '3.6', force: boolean) =>
    planned({ ...kubeadm, etcdVersion, force }, kubernetes, { cluster_version: '3.6.0' })
  t.throws(() => of('3.5', false), { code: 'KPIPE_USAGE', message: /of etcd 3\.6\.0, and etcd 3\.5, which is older/ })
  t.equal(of('3.5', true).force, true)
  t.equal(of('3.6', false).etcdVersion, '3.6')
})

test('revisions are raised for Kubernetes alone, unless the file says otherwise', async (t) => {
  const alone = { members: [{ name: 'm', peerUrls: 'http://a:2380' }] }
  t.equal(planned(alone, kubernetes).bump, 1_000_000_000)
  t.equal(planned(alone, nothingSpecial).bump, undefined)
  t.equal(planned({ ...alone, apiserver: 'kube-apiserver.service' }, nothingSpecial).bump, 1_000_000_000)
  t.equal(planned({ ...alone, bump: 5 }, kubernetes).bump, 5)
  t.equal(planned({ ...alone, bump: 'none' }, kubernetes).bump, 'none')
})

test('members come from the snapshot where no file names them, and what is assumed is said', async (t) => {
  const members = [
    { id: '1', name: 'cp1', peer_urls: ['https://10.0.0.11:2380'], client_urls: ['https://10.0.0.11:2379'] },
    { id: '2', name: '', peer_urls: ['https://10.0.0.12:2380'] },
  ]
  const { cluster, assumed } = clusterOfSnapshot(snapshotWith({ cluster_members: members }), kubernetes)
  t.same(cluster, {
    etcd: '/etc/kubernetes/manifests/etcd.yaml',
    members: [{ name: 'cp1', peerUrls: ['https://10.0.0.11:2380'], clientUrls: ['https://10.0.0.11:2379'] }],
  })
  t.match(assumed.join('\n'), /as kubeadm sets them up/)
  t.notOk('etcd' in clusterOfSnapshot(snapshotWith({ cluster_members: members }), nothingSpecial).cluster)
  t.throws(() => clusterOfSnapshot(snapshotWith(), kubernetes), { code: 'KPIPE_USAGE' })
})

test('words that a stranger chose come into no plan', async (t) => {
  for (const [name, url] of [
    ['m1\n```\nrm', 'http://a:2380'],
    ['m1', 'http://a:2380$(id)'],
  ]) {
    const facts = { cluster_members: [{ name: name!, peer_urls: [url!] }] }
    t.throws(() => clusterOfSnapshot(snapshotWith(facts), kubernetes), { code: 'KPIPE_USAGE', message: /which is no name and no URL/ })
    t.same(planned(kubeadm, kubernetes, facts).leftOut, [])
  }
})
