import { getEtcd, type EtcdBinaries, type EtcdLine } from '../../scripts/etcd/get-etcd.ts'
import { restoreAndStart } from '../../scripts/etcd/restore-etcd.ts'
import { startEtcd, type RunningEtcd, type StartOptions } from '../../scripts/etcd/start-etcd.ts'

export { differences, deleteKeys, etcdClient, readKeys, writeKeys } from '../../scripts/etcd/keys.ts'
export { restoreAndStart } from '../../scripts/etcd/restore-etcd.ts'
export { hourLater, kubernetesLike } from '../../scripts/etcd/kubernetes-like.ts'
/** For a member that is alone: it elects itself after 0.2 s, not after one or two. */
export const alone = ['--heartbeat-interval=20', '--election-timeout=200'] as const

export type { EtcdBinaries, EtcdLine, RunningEtcd, StartOptions }

/** Runs `use` with a fresh, empty etcd of this line and stops it whatever happens. @throws when no such etcd can be had */
export async function withEtcd<T>(version: EtcdLine, use: (etcd: RunningEtcd) => Promise<T>, options: StartOptions = {}): Promise<T> {
  return withRunning(await startEtcd(await getEtcd({ version }), options), use)
}

/** Runs `use` with an etcd that was restored from a snapshot file by etcd's own tool. */
export async function withRestoredEtcd<T>(version: EtcdLine, snapshotFile: string, use: (etcd: RunningEtcd) => Promise<T>): Promise<T> {
  return withRunning(await restoreAndStart(await getEtcd({ version }), snapshotFile), use)
}

async function withRunning<T>(etcd: RunningEtcd, use: (etcd: RunningEtcd) => Promise<T>): Promise<T> {
  try {
    return await use(etcd)
  } finally {
    await etcd.stop()
  }
}
