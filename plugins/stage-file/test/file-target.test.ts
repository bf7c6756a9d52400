import { randomBytes } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import fs from 'node:fs/promises'
import { test } from 'tap'
import { createFileTarget } from '../src/file-target.ts'

test('nothing shows under the name until everything is written', async (t) => {
  const folder = t.testdir({})
  const target = await createFileTarget(`${folder}/snap`)
  await target.write(0, Buffer.from('one'))
  t.match(readdirSync(folder), [/^\.snap\.[0-9a-f]{12}\.part$/])
  await target.commit()
  t.same(readdirSync(folder), ['snap'])
  t.equal(readFileSync(`${folder}/snap`, 'utf8'), 'one')
  t.equal(statSync(`${folder}/snap`).mode & 0o777, 0o600)
})

test('pieces land at their positions in any order and can be read back', async (t) => {
  const path = `${t.testdir({})}/snap`
  const content = randomBytes(300_000)
  const target = await createFileTarget(path)
  for (const at of [200_000, 0, 100_000]) await target.write(at, content.subarray(at, at + 100_000))
  const into = Buffer.alloc(150_000)
  t.equal(await target.read(100_000, into), 150_000)
  t.ok(into.equals(content.subarray(100_000, 250_000)))
  t.equal(await target.read(250_000, into), 50_000)
  t.equal(await target.read(300_000, into), 0)
  await target.commit()
  t.ok(readFileSync(path).equals(content))
})

test('an empty file can be made', async (t) => {
  const path = `${t.testdir({})}/snap`
  await (await createFileTarget(path)).commit()
  t.equal(statSync(path).size, 0)
})

test('what is given up leaves nothing', async (t) => {
  const folder = t.testdir({})
  const target = await createFileTarget(`${folder}/snap`)
  await target.write(0, Buffer.from('one'))
  await target.abort()
  t.same(readdirSync(folder), [])
})

test('an existing file, folder or dangling link is refused', async (t) => {
  const folder = t.testdir({ file: 'old', folder: {} })
  symlinkSync('nowhere', `${folder}/link`)
  for (const name of ['file', 'folder', 'link']) {
    await t.rejects(createFileTarget(`${folder}/${name}`), { code: 'KPIPE_TARGET_EXISTS', message: `${folder}/${name} exists already` })
  }
  t.equal(readFileSync(`${folder}/file`, 'utf8'), 'old')
  t.same(readdirSync(folder).toSorted(), ['file', 'folder', 'link'])
})

test('a file that appears under the name meanwhile is not replaced', async (t) => {
  const folder = t.testdir({})
  const target = await createFileTarget(`${folder}/snap`)
  writeFileSync(`${folder}/snap`, 'theirs')
  await t.rejects(target.commit(), { code: 'KPIPE_TARGET_EXISTS' })
  await target.abort()
  t.same(readdirSync(folder), ['snap'])
  t.equal(readFileSync(`${folder}/snap`, 'utf8'), 'theirs')
})

test('a missing folder, or a file in its place, is told with the reason', async (t) => {
  const folder = t.testdir({ file: '' })
  await t.rejects(createFileTarget(`${folder}/none/snap`), {
    code: 'KPIPE_TARGET_FAILED',
    message: `${folder}/none/snap cannot be written: no such file or directory (ENOENT)`,
  })
  await t.rejects(createFileTarget(`${folder}/file/snap`), { code: 'KPIPE_TARGET_FAILED', message: /not a directory \(ENOTDIR\)/ })
})

test('a full disk is told with the reason', async (t) => {
  // A limit on the file size is the full disk that every user can have.
  const script = `process.on('SIGXFSZ', () => {});
    const { createFileTarget } = await import(${JSON.stringify(import.meta.resolve('../src/file-target.ts'))});
    const target = await createFileTarget(process.argv[1]);
    await target.write(0, new Uint8Array(1 << 20)).catch((error) => console.log(error.code, error.message));
    await target.abort()`
  const node = [process.execPath, '--conditions=kpipe-source', '--input-type=module', '-e', script, `${t.testdir({})}/snap`]
  const output = execFileSync('sh', ['-c', 'ulimit -f 64; exec "$@"', 'sh', ...node])
  t.match(String(output), /^KPIPE_TARGET_FAILED .*snap cannot be written: file too large \(EFBIG\)/)
})

test('without hard links the file is renamed, unless the name is taken by then', async (t) => {
  for (const taken of [false, true]) {
    const folder = t.testdir({})
    let fired = 0
    const { createFileTarget: create } = (await t.mockImport('../src/file-target.ts', {
      'node:fs/promises': {
        ...fs,
        link: async () => {
          fired++
          throw Object.assign(new Error('no links here'), { code: 'EPERM' })
        },
      },
    })) as { createFileTarget: typeof createFileTarget }
    const target = await create(`${folder}/snap`)
    await target.write(0, Buffer.from('ours'))
    if (taken) {
      writeFileSync(`${folder}/snap`, 'theirs')
      await t.rejects(target.commit(), { code: 'KPIPE_TARGET_EXISTS' })
      await target.abort()
    } else {
      await target.commit()
    }
    t.equal(fired, 1)
    t.same(readdirSync(folder), ['snap'])
    t.equal(readFileSync(`${folder}/snap`, 'utf8'), taken ? 'theirs' : 'ours')
  }
})
