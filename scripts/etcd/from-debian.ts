import { chmod, copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { dropFolder, ownFolder } from '../children.ts'
import { unpackDebian } from '../debian/unpack.ts'

/**
 * Takes etcd and etcdctl out of Debian's packages and puts them into `folder`. Nothing is installed and no root is needed;
 * where the machine has no package lists, they are fetched into a folder that is removed again.
 */
export async function fromDebian(line: string, folder: string, log: (message: string) => void): Promise<void> {
  const work = ownFolder('.debian-', folder)
  try {
    const packages = [`etcd-server=${line}.*`, `etcd-client=${line}.*`]
    log(`downloading etcd ${line} from Debian's packages`)
    const root = await unpackDebian(packages, work)
    for (const name of ['etcd', 'etcdctl']) {
      await copyFile(join(root, 'usr/bin', name), join(folder, name))
      await chmod(join(folder, name), 0o755)
    }
  } finally {
    dropFolder(work)
  }
}
