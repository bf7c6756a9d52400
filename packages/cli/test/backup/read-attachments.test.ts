import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'tap'
import { attachmentFacts, maxAttachedBytes, maxAttachedFiles, readAttachments } from '../../src/backup/read-attachments.ts'

function place(t: { after(done: () => void): void }): (...names: string[]) => string {
  const folder = mkdtempSync(join(tmpdir(), 'kpipe-cli-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return (...names) => join(folder, ...names)
}

test('files and folders are read with their permissions, folders by name', async (t) => {
  const at = place(t)
  mkdirSync(at('pki/etcd'), { recursive: true })
  for (const name of ['pki/b.key', 'pki/a.crt', 'pki/etcd/ca.crt', 'enc.yaml']) writeFileSync(at(name), `this is ${name}`)
  chmodSync(at('pki/b.key'), 0o640)
  const { files, attention } = await readAttachments([at('pki'), at('enc.yaml')])
  t.same(attention, [])
  t.same(
    files.map(({ name, path, bytes }) => [name, path, Buffer.from(bytes).toString()]),
    ['pki/a.crt', 'pki/b.key', 'pki/etcd/ca.crt', 'enc.yaml'].map((name) => [at(name).slice(1), at(name), `this is ${name}`]),
  )
  const { uid, gid, mtimeMs } = statSync(at('pki/b.key'))
  t.same(attachmentFacts(files)[1], {
    name: at('pki/b.key').slice(1),
    path: at('pki/b.key'),
    bytes: 17,
    mode: 0o640,
    uid,
    gid,
    mtime: Math.trunc(mtimeMs),
  })
})

test('links are stored as what they lead to, and one that leads back ends', async (t) => {
  const at = place(t)
  // As Kubernetes mounts a Secret.
  mkdirSync(at('mount/..2026'), { recursive: true })
  writeFileSync(at('mount/..2026/ca.crt'), 'ca')
  symlinkSync('..2026', at('mount/..data'))
  symlinkSync('..data/ca.crt', at('mount/ca.crt'))
  symlinkSync('..', at('mount/back'))
  symlinkSync('mount', at('linked'))
  const { files, attention } = await readAttachments([at('linked')])
  t.same(attention, [])
  t.same(
    files.map(({ name, bytes }) => [name, Buffer.from(bytes).toString()]),
    ['linked/..2026/ca.crt', 'linked/..data/ca.crt', 'linked/ca.crt'].map((name) => [at(name).slice(1), 'ca']),
  )
})

test('what is missing, leads nowhere or is no file is told, and the rest is read', async (t) => {
  const at = place(t)
  mkdirSync(at('folder'))
  writeFileSync(at('folder/file'), 'there')
  symlinkSync('nowhere', at('folder/broken'))
  execFileSync('mkfifo', [at('folder/pipe')])
  const { files, attention } = await readAttachments([at('missing'), at('folder'), at('folder/file')])
  t.same(
    files.map(({ path }) => path),
    [at('folder/file')],
    'and nothing twice',
  )
  t.same(attention, [
    `attachment ${at('missing')} is not in this snapshot: it cannot be read: no such file or directory (ENOENT)`,
    `attachment ${at('folder/broken')} is not in this snapshot: it cannot be read: no such file or directory (ENOENT)`,
    `attachment ${at('folder/pipe')} is not in this snapshot: it is neither a file nor a folder`,
  ])
})

test('files that are too large together, or too many, are told, and the others are read', async (t) => {
  const at = place(t)
  mkdirSync(at('many'))
  for (let index = 0; index < maxAttachedFiles + 2; index++) writeFileSync(at('many', String(index).padStart(5, '0')), '')
  const many = await readAttachments([at('many')])
  t.equal(many.files.length, maxAttachedFiles)
  t.match(many.attention, [/many\/01000 is not in this snapshot: it is one of more than 1000 files$/, /many\/01001/])

  for (const [name, bytes] of [
    ['small', 10],
    ['large', maxAttachedBytes],
    ['other', 20],
  ] as const) {
    // prettier-ignore
    writeFileSync(at(name), '')
    truncateSync(at(name), bytes)
  }
  const large = await readAttachments([at('small'), at('large'), at('other')])
  t.same(
    large.files.map(({ bytes }) => bytes.length),
    [10, 20],
  )
  t.match(large.attention, [/large is not in this snapshot: it makes the attachments larger than 64 MiB$/])
})

test('a file that is not as long as it says is not stored half', async (t) => {
  // As one that grows each time that it is read.
  const { files, attention } = await readAttachments(['/proc/self/status'])
  t.same(files, [])
  t.same(attention, ['attachment /proc/self/status is not in this snapshot: it changed each of the 3 times that it was read'])
})
