import { test } from 'tap'
import { walOf } from '../../src/restore/wal.ts'
import { restored, threeMemberCluster, versions } from './vectors.ts'

for (const [version, form] of versions) {
  test(`the log is byte for byte that of the tool of etcd ${version}`, async (t) => {
    t.ok(restored(`${version}-m1.wal`).equals(walOf(threeMemberCluster(), form)))
    t.ok(
      restored(`${version}-m1.wal`).equals(walOf(threeMemberCluster('m1', ['m3', 'm1', 'm2']), form)),
      'in whatever order members are named',
    )
  })
}

test('the logs of two members differ, as those of the tool do', async (t) => {
  t.ok(restored('3.6.16-m2.wal').equals(walOf(threeMemberCluster('m2'), '3.6')))
})
