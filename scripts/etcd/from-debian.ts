import { chmod, copyFile, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { dropFolder, ownFolder } from '../children.ts'
import { runTool } from './run-tool.ts'

/**
 * Takes etcd and etcdctl out of Debian's packages and puts them into `folder`. Nothing is installed and no root is needed;
 * where the machine has no package lists, they are fetched into a folder that is removed again.
 */
export async function fromDebian(line: string, folder: string, log: (message: string) => void): Promise<void> {
  const work = ownFolder('.debian-', folder)
  try {
    const packages = [`etcd-server=${line}.*`, `etcd-client=${line}.*`]
    log(`downloading etcd ${line} from Debian's packages`)
    await runTool('apt-get', ['download', ...packages], { cwd: work }).catch(async () => {
      const options = await privateLists(work)
      await runTool('apt-get', [...options, 'update'], { cwd: work })
      await runTool('apt-get', [...options, 'download', ...packages], { cwd: work })
    })
    for (const file of await readdir(work)) {
      if (file.endsWith('.deb')) await runTool('dpkg', ['-x', file, 'root'], { cwd: work })
    }
    for (const name of ['etcd', 'etcdctl']) {
      await copyFile(join(work, 'root/usr/bin', name), join(folder, name))
      await chmod(join(folder, name), 0o755)
    }
  } finally {
    dropFolder(work)
  }
}

async function privateLists(work: string): Promise<string[]> {
  const lists = join(work, 'lists')
  const cache = join(work, 'cache')
  await mkdir(join(lists, 'partial'), { recursive: true })
  await mkdir(join(cache, 'archives/partial'), { recursive: true })
  // apt drops root for the user _apt while downloading, who could not write here.
  const settings = [`Dir::State::lists=${lists}`, `Dir::Cache=${cache}`, 'APT::Sandbox::User=root', 'Acquire::Languages=none']
  return settings.flatMap((setting) => ['-o', setting])
}
