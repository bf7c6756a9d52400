import { randomBytes } from 'node:crypto'
import { deleteKeys, etcdClient, kubernetesLike, writeKeys, type RunningEtcd } from './etcd.ts'
import { etcdctl } from './member-state.ts'

/** Small keys and long ones, deletions, compacted history, leases with keys and without, a user and a role; then some history more. */
export async function mixedHistory(etcd: RunningEtcd): Promise<void> {
  await writeKeys(etcd.clientUrl, kubernetesLike().take(300))
  for (let n = 0; n < 3; n++) await writeKeys(etcd.clientUrl, [[`big/${n}`, randomBytes(800_000)]])
  const client = etcdClient(etcd.clientUrl)
  try {
    const lease = client.lease(3600, { autoKeepAlive: false })
    for (let n = 0; n < 3; n++) await lease.put(`leased/${n}`).value(randomBytes(5000))
    await client.lease(7200, { autoKeepAlive: false }).grant()
    lease.release()
    await deleteKeys(etcd.clientUrl, ['big/1', 'leased/1'])
    const { header } = await client.kv.range({ key: Buffer.from('big/0') })
    await client.kv.compact({ revision: header.revision, physical: true })
  } finally {
    client.close()
  }
  await deleteKeys(etcd.clientUrl, ['leased/2'])
  await writeKeys(etcd.clientUrl, kubernetesLike(1).take(30))
  await etcdctl(etcd, ['user', 'add', 'alice:alicepw'])
  await etcdctl(etcd, ['role', 'add', 'auditor'])
  await etcdctl(etcd, ['role', 'grant-permission', 'auditor', 'read', '/registry/', '/registry0'])
  await etcdctl(etcd, ['user', 'grant-role', 'alice', 'auditor'])
}
