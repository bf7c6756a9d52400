import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { readFolder } from '../src/read-folder.ts'

test('a folder is read to its end, however many entries it has', async (t) => {
  for (const count of [0, 1, 1023, 1024, 1025, 2048, 3000]) {
    const folder = t.testdir({})
    for (let index = 0; index < count; index++) writeFileSync(join(folder, `file-${index}`), '')
    mkdirSync(join(folder, 'folder'))
    const all = await readFolder(folder, () => true)
    t.equal(new Set(all.map(({ name }) => name)).size, count + 1)
    t.same(
      all.filter((entry) => entry.isDirectory()).map(({ name }) => name),
      ['folder'],
    )
    const some = await readFolder(folder, (name) => name.endsWith('7'))
    t.equal(some.length, Array.from({ length: count }, (_, index) => index).filter((index) => index % 10 === 7).length)
  }
})

test('a folder that is not there, or none, is a fault', async (t) => {
  await t.rejects(
    readFolder(join(t.testdir({}), 'none'), () => true),
    { code: 'ENOENT' },
  )
  await t.rejects(
    readFolder(join(t.testdir({ file: '' }), 'file'), () => true),
    { code: 'ENOTDIR' },
  )
})
