import { join } from 'node:path'
import { dropFolder, ownFolder } from '../children.ts'
import { loopbackEnv } from '../loopback-env.ts'
import type { EtcdBinaries } from './binaries.ts'
import { runTool } from './run-tool.ts'
import { startEtcd, type RunningEtcd, type StartOptions } from './start-etcd.ts'

/** What an operator types to make a data folder of one member `m1` from a snapshot file: etcdutl, or etcdctl for 3.4. */
export function restoreCommand(binaries: EtcdBinaries, snapshotFile: string, dataDir: string): [program: string, ...args: string[]] {
  const peer = 'http://127.0.0.1:2380'
  const member = ['--name', 'm1', '--initial-cluster', `m1=${peer}`, '--initial-advertise-peer-urls', peer]
  return [binaries.etcdutl ?? binaries.etcdctl, 'snapshot', 'restore', snapshotFile, '--data-dir', dataDir, ...member]
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
    const [program, ...args] = restoreCommand(binaries, snapshotFile, dataDir)
    await runTool(program, args, { env: { ...loopbackEnv(), ETCDCTL_API: '3' } })
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
