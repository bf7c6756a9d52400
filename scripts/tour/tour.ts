import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileTour } from './file-tour.ts'
import { findEtcd } from './find-etcd.ts'
import { liveTour } from './live-tour.ts'
import { openShell } from './shell.ts'

const examples = join(import.meta.dirname, '../../examples')

/** Shows kpipe at work, in an empty folder that the caller removes. @throws Error when anything is not as it should be */
export async function tour(folder: string, options: { readonly cacheFolder?: string } = {}): Promise<void> {
  const began = performance.now()
  const seconds = () => `${((performance.now() - began) / 1000).toFixed(0)} s`
  const shell = openShell(folder, visitorsEnvironment(folder))
  shell.say('kpipe backs up etcd. All of this happens in a temporary folder; kpipe is node_modules/.bin/kpipe of this clone.')
  shell.show('cd', folder)
  shell.show('cp', '-r', examples, '.')
  await mkdir(join(folder, 'examples'))
  for (const file of ['backup.yaml', 'file.yaml', 'snapshot.db']) await copyFile(join(examples, file), join(folder, 'examples', file))

  const found = await findEtcd({ ...options, log: (message) => console.log(`# ${message}`) })
  if ('missing' in found) {
    await fileTour(shell, join(examples, 'snapshot.db'))
    const notShown = 'the backup of a running etcd, and an etcd booted from what is restored'
    shell.say(`Done in ${seconds()}. Not shown: ${notShown}, because ${found.missing}.`)
  } else {
    await liveTour(shell, found)
    shell.say(`Done in ${seconds()}. All of it is deleted now.`)
  }
}

/** Nothing of the visitor's own kpipe and etcd, and no traces in the visitor's home. */
function visitorsEnvironment(folder: string): Record<string, string | undefined> {
  const kept = Object.entries(process.env).filter(([name]) => !/^(KPIPE|ETCD|ETCDCTL|ETCDUTL)_/.test(name))
  return { ...Object.fromEntries(kept), XDG_STATE_HOME: join(folder, 'state') }
}
