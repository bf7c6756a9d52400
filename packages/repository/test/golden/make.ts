// Makes the golden repositories anew, all or those that are named. Run it after a change of the format, look at what changed, commit it:
// node --conditions=kpipe-source packages/repository/test/golden/make.ts [NAME]…
import { copyFile, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { formatDraft } from '../../src/format.ts'
import { histories, type HistoryName } from './histories.ts'
import { secretFiles } from './program.ts'

const names = process.argv.slice(2)
for (const name of (names.length > 0 ? names : Object.keys(histories)) as HistoryName[]) {
  const work = await mkdtemp(join(tmpdir(), 'kpipe-golden-'))
  try {
    const { snapshots, secrets, kinds } = await histories[name](work)
    const golden = join(import.meta.dirname, name)
    await rm(golden, { recursive: true, force: true })
    await mkdir(golden)
    // What only a directory store has, and what is empty, is not part of a repository.
    await cp(join(work, 'repository'), join(golden, 'repository'), {
      recursive: true,
      filter: (source) => !['tmp', 'reserve'].some((part) => source === join(work, 'repository', part)),
    })
    for (const secret of secrets) await copyFile(join(work, secretFiles[secret]), join(golden, secretFiles[secret]))
    await writeFile(join(golden, 'expected.json'), `${JSON.stringify({ draft: formatDraft, secrets, kinds, snapshots }, null, 2)}\n`)
    console.log(`${name}: ${snapshots.length} snapshots`)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}
