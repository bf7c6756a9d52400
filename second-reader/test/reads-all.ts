import { join } from 'node:path'
import type { Test } from 'tap'
import type { Made } from '../../packages/repository/test/golden/histories.ts'
import { testFolder } from '../../test/support/folder.ts'
import { attached, listed, restoredBy, secret } from './python-reader.ts'

/** Every snapshot that is there, and no other, comes back byte for byte; every secret opens. */
export async function readsAll(t: Test, folder: string, { snapshots, secrets }: Made): Promise<void> {
  const repository = join(folder, 'repository')
  const ids = snapshots.map(({ id }) => id)
  const seen = new Set<string>()
  for (const name of secrets) t.same(await listed(repository, secret(folder, name)), ids, `listed with the ${name}`)
  for (const [index, { id, sha256, attachments = {} }] of snapshots.entries()) {
    const name = secrets[index % secrets.length]!
    const restored = await restoredBy(repository, id, secret(folder, name), join(testFolder(t), 'back'))
    t.equal(restored.code, 0, restored.stderr)
    t.equal(restored.sha256, sha256, `snapshot ${id.slice(0, 12)} with the ${name}`)
    t.same((await attached(repository, id, secret(folder, name))).toSorted(), Object.keys(attachments).toSorted())
    for (const [attachment, digest] of Object.entries(attachments)) {
      if (seen.has(digest)) continue
      seen.add(digest)
      const back = await restoredBy(repository, id, secret(folder, name), join(testFolder(t), 'back'), attachment)
      t.equal(back.sha256, digest, `${attachment}: ${back.stderr}`)
    }
  }
}
