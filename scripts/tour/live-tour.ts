import { basename, join } from 'node:path'
import { runTool } from '../etcd/run-tool.ts'
import type { EtcdBinaries } from '../etcd/get-etcd.ts'
import { deleteKeys, differences, readKeys, writeKeys, type StoredKey } from '../etcd/keys.ts'
import { hourLater, kubernetesLike } from '../etcd/kubernetes-like.ts'
import { restoreCommand } from '../etcd/restore-etcd.ts'
import { startEtcd, type RunningEtcd } from '../etcd/start-etcd.ts'
import { loseEverything, openedBy } from './worst-day.ts'
import type { Shell } from './shell.ts'

/** Backs up a real etcd twice, loses everything but the repository and the phrase, and boots an etcd from what is restored. */
export async function liveTour(shell: Shell, binaries: EtcdBinaries): Promise<void> {
  const expected = await backUp(shell, binaries)
  await loseEverything(shell)

  shell.say('The newest snapshot comes back as the file that etcdctl would have saved.')
  await shell.run('kpipe', 'restore', 'latest', ...openedBy, '-to', './snap')
  await shell.run('kpipe', 'status', 'latest', ...openedBy, '-w', 'table')
  if (binaries.etcdutl) {
    shell.say('etcd counts the same in the restored file.')
    await shell.run(binaries.etcdutl, 'snapshot', 'status', './snap', '-w', 'table')
  }
  await bootFrom(shell, binaries, expected)
}

/** Resolves with what etcd held at the last backup. */
async function backUp(shell: Shell, binaries: EtcdBinaries): Promise<Map<string, StoredKey>> {
  shell.say(`An etcd ${binaries.version}, on free ports.`)
  const etcd = await started(shell, binaries, join(shell.folder, 'etcd'))
  try {
    shell.show('export', `ETCD_ENDPOINT=${etcd.clientUrl}`)
    shell.env.ETCD_ENDPOINT = etcd.clientUrl
    const written = await writeKeys(etcd.clientUrl, kubernetesLike())
    shell.say(`It holds ${written} keys now, as Kubernetes would have written them: pods, leases, events, config maps, secrets.`)

    await shell.run('cat', 'examples/backup.yaml')
    shell.say('A repository, its key, and a phrase that opens it when the key is lost.')
    await shell.run('kpipe', 'init', '-c', 'examples/backup.yaml', '--recovery-phrase-file', 'recovery-phrase.txt')
    shell.say('The first backup carries everything.')
    await shell.run('kpipe', 'run', 'examples/backup.yaml')

    const changed = await writeKeys(etcd.clientUrl, hourLater())
    const [gone] = kubernetesLike().toArray().at(-1)!
    await deleteKeys(etcd.clientUrl, [gone])
    shell.say(`An hour later: ${changed} keys were written and one was deleted. The second backup carries what is fresh.`)
    await shell.run('kpipe', 'run', 'examples/backup.yaml')
    await shell.run('kpipe', 'snapshots', '-c', 'examples/backup.yaml')
    return await readKeys(etcd.clientUrl)
  } finally {
    await etcd.stop()
  }
}

async function bootFrom(shell: Shell, binaries: EtcdBinaries, expected: ReadonlyMap<string, StoredKey>): Promise<void> {
  shell.say('An etcd is booted from the restored file.')
  const [program, ...args] = restoreCommand(binaries, './snap', './data')
  shell.show(basename(program), ...args)
  await runTool(program, args, { cwd: shell.folder, env: { ...shell.env, ETCDCTL_API: '3' } })
  const etcd = await started(shell, binaries, join(shell.folder, 'data'))
  try {
    const found = await readKeys(etcd.clientUrl)
    const wrong = differences(expected, found)
    if (wrong.length > 0) throw new Error(`the restored etcd holds other keys:\n${wrong.join('\n')}`)
    shell.say(`All ${found.size} keys are back, with the same values and revisions.`)
  } finally {
    await etcd.stop()
  }
}

async function started(shell: Shell, binaries: EtcdBinaries, dataDir: string): Promise<RunningEtcd> {
  const etcd = await startEtcd(binaries, { dataDir })
  shell.show('etcd', ...etcd.args)
  return etcd
}
