import { mkdirSync, renameSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { dropFolder, ownFolder } from '../../scripts/children.ts'
import { getEtcd } from '../../scripts/etcd/get-etcd.ts'
import { runTool } from '../../scripts/etcd/run-tool.ts'
import { startEtcd } from '../../scripts/etcd/start-etcd.ts'
import { loopbackEnv } from '../../scripts/loopback-env.ts'
import { beginning, type Cluster, period, periodsPerHour } from './churn.ts'
import { drive } from './drive.ts'

/**
 * An hour passes here in half a minute. Real etcd commits every 100 ms, which is some two or three writes of such a cluster; so does this one,
 * for how often a page is written decides where it goes. It never syncs: that changes no byte.
 */
const etcdFlags = ['--unsafe-no-fsync', '--backend-batch-limit=4', '--backend-batch-interval=1s', '--snapshot-count=10000']
/** Periods that have passed at the first snapshot. */
export const periodsBefore = 24

/** Drives an etcd 3.6 through some hours of a Kubernetes cluster and saves a snapshot at each full hour, the first at hour 0. */
export async function generate(folder: string, options: { cluster: Cluster; hours: number; log(line: string): void }): Promise<void> {
  const { cluster, hours, log } = options
  mkdirSync(dirname(folder), { recursive: true })
  const draft = ownFolder('.new-', dirname(folder))
  const binaries = await getEtcd({ version: '3.6', log })
  const etcd = await startEtcd(binaries, { extraArgs: etcdFlags })
  const driver = drive(etcd.clientUrl)
  const began = performance.now()
  try {
    await driver.apply(beginning(cluster))
    let index = 0
    for (let n = 0; n < periodsBefore; n++) await driver.apply(period(cluster, index++))
    for (let hour = 0; ; hour++) {
      const file = join(draft, `hour-${String(hour).padStart(2, '0')}.db`)
      await runTool(binaries.etcdctl, ['snapshot', 'save', file, `--endpoints=${etcd.clientUrl}`], { env: loopbackEnv() })
      const seconds = ((performance.now() - began) / 1000).toFixed(0)
      log(`hour ${hour}: ${(statSync(file).size / 2 ** 20).toFixed(1)} MiB after ${driver.changed} changes, ${seconds} s`)
      if (hour === hours - 1) break
      for (let n = 0; n < periodsPerHour; n++) await driver.apply(period(cluster, index++))
    }
    renameSync(draft, folder)
  } finally {
    driver.close()
    await etcd.stop()
    dropFolder(draft)
  }
}
