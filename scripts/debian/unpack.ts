import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { runTool } from '../etcd/run-tool.ts'

/**
 * Downloads packages of Debian and unpacks them into `root` below the folder `work`. Nothing is installed and no root is needed;
 * where the machine has no package lists, they are fetched into `work` too.
 */
export async function unpackDebian(packages: readonly string[], work: string): Promise<string> {
  await runTool('apt-get', ['download', ...packages], { cwd: work }).catch(async () => {
    const options = await privateLists(work)
    await runTool('apt-get', [...options, 'update'], { cwd: work })
    await runTool('apt-get', [...options, 'download', ...packages], { cwd: work })
  })
  for (const file of await readdir(work)) {
    if (file.endsWith('.deb')) await runTool('dpkg', ['-x', file, 'root'], { cwd: work })
  }
  return join(work, 'root')
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
