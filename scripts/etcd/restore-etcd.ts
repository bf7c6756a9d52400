import { join } from 'node:path'
import { dropFolder, ownFolder } from '../children.ts'
import { loopbackEnv } from '../loopback-env.ts'
import type { EtcdBinaries } from './binaries.ts'
import { runTool } from './run-tool.ts'
import { startEtcd, type RunningEtcd, type StartOptions } from './start-etcd.ts'

/** Makes a data folder from a snapshot file as an operator does, with etcdutl (3.4: etcdctl), of one member `m1`. */
export async function restoreSnapshot(binaries: EtcdBinaries, snapshotFile: string, dataDir: string): Promise<void> {
  const args = ['snapshot', 'restore', snapshotFile, `--data-dir=${dataDir}`, '--name=m1', '--initial-cluster=m1=http://127.0.0.1:2380']
  const peer = '--initial-advertise-peer-urls=http://127.0.0.1:2380'
  await runTool(binaries.etcdutl ?? binaries.etcdctl, [...args, peer], { env: { ...loopbackEnv(), ETCDCTL_API: '3' } })
}

/** Restores a snapshot file into a temporary folder and starts an etcd on it; `stop` removes both. */
export async function restoreAndStart(
  binaries: EtcdBinaries,
  snapshotFile: string,
  options: Omit<StartOptions, 'dataDir'> = {},
): Promise<RunningEtcd> {
  const folder = ownFolder('kpipe-restored-')
  try {
    const dataDir = join(folder, 'data')
    await restoreSnapshot(binaries, snapshotFile, dataDir)
    const etcd = await startEtcd(binaries, { ...options, name: 'm1', dataDir })
    return {
      ...etcd,
      async stop() {
        await etcd.stop()
        dropFolder(folder)
      },
    }
  } catch (error) {
    dropFolder(folder)
    throw error
  }
}
