import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'tap'
import { makeFoldersFor, placeOf, refuseExisting } from '../../../src/restore/attachments/place-of.ts'

function place(t: { after(done: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'kpipe-cli-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

test('a name that may lead out of the folder is refused', async (t) => {
  t.equal(placeOf('/out', 'etc/..data/a b'), '/out/etc/..data/a b')
  for (const name of ['', '/etc/passwd', '../x', 'a/../../x', 'a/..', '..', '.', 'a/./b', 'a//b', 'a/', 'a\0b'])
    t.throws(() => placeOf('/out', name), { code: 'KPIPE_USAGE' }, JSON.stringify(name))
})

test('folders are made for their owner alone, and those that are there stay', async (t) => {
  const folder = place(t)
  mkdirSync(join(folder, 'out/there'), { recursive: true, mode: 0o755 })
  await makeFoldersFor(join(folder, 'out'), join(folder, 'out/there/new/deep/file'))
  t.equal(statSync(join(folder, 'out/there')).mode & 0o777, 0o755)
  t.equal(statSync(join(folder, 'out/there/new/deep')).mode & 0o777, 0o700)
  t.same(readdirSync(join(folder, 'out/there/new/deep')), [])
})

test('nothing is made behind a link or a file that is in the way', async (t) => {
  const folder = place(t)
  const out = join(folder, 'out')
  mkdirSync(join(folder, 'elsewhere'))
  mkdirSync(out)
  symlinkSync('../elsewhere', join(out, 'link'))
  writeFileSync(join(out, 'file'), '')
  for (const name of ['link/a/b', 'file/a'])
    await t.rejects(makeFoldersFor(out, join(out, name)), {
      code: 'KPIPE_TARGET_FAILED',
      message: /is in the way of .*: it is no folder, or a link to one/,
    })
  t.same(readdirSync(join(folder, 'elsewhere')), [])
})

test('a file, a folder and a link that leads nowhere are there', async (t) => {
  const folder = place(t)
  symlinkSync('nowhere', join(folder, 'broken'))
  for (const path of [folder, join(folder, 'broken')]) await t.rejects(refuseExisting(path), { code: 'KPIPE_TARGET_EXISTS' })
  await refuseExisting(join(folder, 'free'))
  t.notOk(existsSync(join(folder, 'free')))
})
