import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Shell } from './shell.ts'

/** What is left on the worst day: the repository in another place, and the phrase. */
export const openedBy = ['--store', './repository', '--recovery-phrase-file', '../recovery-phrase.txt'] as const

/** Moves the repository to another host, so to speak, deletes the key, and goes there: no pipeline file, no state, no etcd. */
export async function loseEverything(shell: Shell): Promise<void> {
  shell.say(
    'The worst day. The host is lost, and with it etcd, the pipeline file and the key.\nWhat is left: a copy of the repository, and the phrase on paper.',
  )
  const here = shell.folder
  const otherHost = join(here, 'other-host')
  shell.show('mkdir', 'other-host')
  await mkdir(otherHost)
  shell.show('mv', 'examples/repository', 'other-host/repository')
  await rename(join(here, 'examples/repository'), join(otherHost, 'repository'))
  shell.show('rm', '-r', 'examples')
  await rm(join(here, 'examples/repository.key'))
  await rm(join(here, 'examples'), { recursive: true })
  shell.show('cd', 'other-host')
  shell.folder = otherHost
  shell.env.XDG_STATE_HOME = join(otherHost, 'state')
  delete shell.env.ETCD_ENDPOINT
}
