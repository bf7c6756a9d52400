import { test } from 'tap'
import { readInitialCluster } from '../../src/restore/initial-cluster.ts'
import { restored, threeMembers, threeMemberCluster } from './vectors.ts'

const defaults = { name: 'default', initialClusterToken: 'etcd-cluster', initialAdvertisePeerUrls: 'http://localhost:2380' }

test('ids are those that etcd computes', async (t) => {
  const ids = JSON.parse(restored('ids.json').toString()) as { cluster: string; members: { name: string; id: string }[] }
  for (const name of ['m1', 'm2', 'm3']) {
    const { id, members, self } = threeMemberCluster(name)
    t.equal(id.toString(16), ids.cluster)
    t.same(
      members.map((member) => ({ name: member.name, id: member.id.toString(16) })),
      ids.members.map(({ name, id }) => ({ name, id })),
    )
    t.equal(self.name, name)
  }
})

test('without an initial cluster the member is alone, as etcdutl has it', async (t) => {
  const { members, self, id } = readInitialCluster(defaults)
  t.same([members.length, self.name, self.peerUrls], [1, 'default', ['http://localhost:2380']])
  // etcd gives these to everybody who starts it without any settings.
  t.equal(self.id.toString(16), '8e9e05c52164694d')
  t.equal(id.toString(16), 'cdf818194e3a8c32')
})

test('a member may have several URLs, in any order', async (t) => {
  const cluster = readInitialCluster({
    ...defaults,
    name: 'a',
    initialCluster: 'a=https://[fd00::1]:2380,b=HTTP://b.example:2380,a=http://10.0.0.1:2380,',
    initialAdvertisePeerUrls: ' https://[fd00::1]:2380 ,http://10.0.0.1:2380',
  })
  t.same(cluster.self.peerUrls, ['http://10.0.0.1:2380', 'https://[fd00::1]:2380'])
  t.same(cluster.named[1]!.peerUrls, ['http://b.example:2380'])
})

test('what cannot be a cluster is refused', async (t) => {
  const refused: [Partial<ReturnType<typeof threeMembers>>, RegExp][] = [
    [{ name: 'm4' }, /has no member m4/],
    [{ initialAdvertisePeerUrls: 'http://10.0.0.2:2380' }, /are not those of m1/],
    [{ initialCluster: 'm1=http://10.0.0.1:2380,m2=http://10.0.0.1:2380' }, /twice/],
    [{ initialCluster: '' }, /has no member m1/],
    ...['http://10.0.0.1', 'http://10.0.0.1:2380/path', 'tcp://10.0.0.1:2380', '10.0.0.1:2380', '', 'http://a b:1', 'http://a:1/'].map(
      (url): [object, RegExp] => [{ initialCluster: `m1=${url}` }, /is not of the form/],
    ),
  ]
  for (const [change, message] of refused)
    t.throws(() => readInitialCluster({ ...threeMembers(), ...change }), { code: 'KPIPE_USAGE', message })
})
