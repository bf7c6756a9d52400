import { test } from 'tap'
import { snapFile, snapName } from '../../src/restore/snap-file.ts'
import { restored, threeMemberCluster, versions } from './vectors.ts'

for (const [version, form] of versions) {
  test(`the raft snapshot is byte for byte that of the tool of etcd ${version}`, async (t) => {
    // From 3.6 on that tool adds the members in a random order.
    const order = form === '3.7' ? ['m2', 'm3', 'm1'] : ['m1', 'm2', 'm3']
    const cluster = threeMemberCluster('m1', order)
    t.ok(restored(`${version}-m1.snap`).equals(snapFile(cluster, form)))
    t.equal(snapName(cluster), '0000000000000001-0000000000000003.snap')
  })
}
