import { test } from 'tap'
import { histories, type HistoryName } from '../../packages/repository/test/golden/histories.ts'
import { pages, seeds } from '../../packages/repository/test/golden/pages.ts'
import { backUp, kpipe, pipeline } from '../../packages/repository/test/golden/program.ts'
import { testFolder } from '../../test/support/folder.ts'
import { readsAll } from './reads-all.ts'

for (const name of Object.keys(histories) as HistoryName[]) {
  test(`a program in Python restores a repository that kpipe makes now: ${name}`, async (t) => {
    const folder = testFolder(t)
    await readsAll(t, folder, await histories[name](folder))
  })
}

test('streams of several recipe parts and a manifest that is too large for the log are restored by the program in Python', async (t) => {
  const folder = testFolder(t)
  await pipeline(folder, { name: 'db', pageBytes: 512 })
  await kpipe(folder, ['init', '-c', 'db.yaml', '--recovery-phrase-file', 'phrase.txt'])
  const manyTags = Array.from({ length: 700 }, (_, index) => ['--tag', `${index}`.padEnd(100, 'x')]).flat()
  const snapshots = [
    await backUp(folder, 'db', pages(512, seeds(66_000))),
    await backUp(folder, 'db', pages(512, seeds(66_500, { 5: 'a', 66_100: 'b' })), { words: manyTags }),
    await backUp(folder, 'db', pages(512, seeds(65_537, { 5: 'b' }))),
  ]
  await readsAll(t, folder, { snapshots, secrets: ['key'], kinds: [] })
})
