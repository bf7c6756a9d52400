import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { test } from 'tap'
import type { SourceStage } from '@kpipe/engine/contracts'
import stages from '../src/index.ts'
import { listener, snapshotOf } from './source-reading.ts'

const source = stages[0] as unknown as SourceStage<{ path: string }>
const open = (path: string) => source.open({ path }, listener().context)

test('the stream has the length of the file and is named by host and path', async (t) => {
  const path = t.testdir({ snap: snapshotOf(4096) }) + '/snap'
  const stream = await open(path)
  t.equal(stream.bytes, 4128)
  t.equal(stream.name, `${hostname()}:${path}`)
  t.equal(stream.member, '')
  t.match(stream.facts, { file_name: 'snap', file_bytes: 4128, file_modified: /^\d{4}-.*Z$/ })
  await stream.close()
})

test('a file that is missing, a folder or no regular file is unreachable, with the reason', async (t) => {
  const folder = t.testdir({ folder: {} })
  execFileSync('mkfifo', [`${folder}/pipe`])
  const reasons = { missing: 'no such file or directory (ENOENT)', folder: 'it is a folder', pipe: 'it is no regular file' }
  for (const [name, reason] of Object.entries(reasons)) {
    const message = `${folder}/${name} cannot be read: ${reason}`
    await t.rejects(open(`${folder}/${name}`), { code: 'KPIPE_SOURCE_UNREACHABLE', message })
  }
})

test('a file without permission is unreachable', async (t) => {
  const folder = t.testdir({})
  mkdirSync(`${folder}/closed`)
  writeFileSync(`${folder}/closed/snap`, 'x', { mode: 0o000 })
  // Permissions do not hold root back, so the source is opened by a process that is not root.
  const script = `const { default: [source] } = await import(${JSON.stringify(import.meta.resolve('../src/index.ts'))});
    const root = process.getuid() === 0;
    if (root) process.seteuid(65534);
    await source.open({ path: process.argv[1] }, {}).catch((error) => console.log(error.code, error.message));
    if (root) process.seteuid(0)`
  const output = execFileSync(
    process.execPath,
    ['--conditions=kpipe-source', '--input-type=module', '-e', script, `${folder}/closed/snap`],
    {
      env: {},
    },
  )
  t.match(String(output), /^KPIPE_SOURCE_UNREACHABLE .*\/closed\/snap cannot be read: permission denied \(EACCES\)/)
})

test('standard input has neither length nor facts', async (t) => {
  const stream = await source.open({ path: '-' }, listener().context)
  t.equal(stream.bytes, undefined)
  t.same(stream.facts, {})
  t.equal(stream.name, `${hostname()}:-`)
  await stream.close()
})

test('standard input is read to its end, trailer verified', async (t) => {
  const script = `const [{ default: [source] }, { listener, readAll }] = await Promise.all(
      [${JSON.stringify(import.meta.resolve('../src/index.ts'))}, ${JSON.stringify(import.meta.resolve('./source-reading.ts'))}].map((url) => import(url)));
    const { context, hash } = listener();
    const { bytes, facts } = await readAll(await source.open({ path: '-' }, context), hash);
    console.log(bytes.length, facts.trailer_verified)`
  const args = ['--conditions=kpipe-source', '--input-type=module', '-e', script]
  t.equal(String(execFileSync(process.execPath, args, { input: snapshotOf(1 << 20) })), '1048608 true\n')
  t.equal(String(execFileSync(process.execPath, args, { input: '' })), '0 false\n')
})
