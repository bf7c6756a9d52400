import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loseEverything, openedBy } from './worst-day.ts'
import type { Shell } from './shell.ts'

/** Where no etcd can be had: the same commands on the snapshot file that lies in the examples. */
export async function fileTour(shell: Shell, snapshotFile: string): Promise<void> {
  await shell.run('cat', 'examples/file.yaml')
  shell.say('A repository, its key, and a phrase that opens it when the key is lost.')
  await shell.run('kpipe', 'init', '-c', 'examples/file.yaml', '--recovery-phrase-file', 'recovery-phrase.txt')
  shell.say('The first backup carries everything, the second finds nothing fresh.')
  await shell.run('kpipe', 'run', 'examples/file.yaml')
  await shell.run('kpipe', 'run', 'examples/file.yaml')
  await shell.run('kpipe', 'snapshots', '-c', 'examples/file.yaml')

  await loseEverything(shell)
  await shell.run('kpipe', 'restore', 'latest', ...openedBy, '-to', './snap')
  await shell.run('kpipe', 'status', 'latest', ...openedBy, '-w', 'table')
  const [restored, original] = await Promise.all([join(shell.folder, 'snap'), snapshotFile].map((file) => readFile(file)))
  if (!restored!.equals(original!)) throw new Error('the restored file differs from examples/snapshot.db')
  shell.say('The restored file is the snapshot, byte for byte.')
}
