import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, symlink } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { test, type Test } from 'tap'
import { ownChild } from '../scripts/children.ts'
import { testFolder } from './support/folder.ts'
import { clone, collect, nodes } from './support/kpipe.ts'
import { processesWith, until } from './support/processes.ts'

// What a machine may have around: a proxy that leads nowhere, settings of another etcd, and another etcd.
const hostile = {
  https_proxy: 'http://127.0.0.1:1',
  http_proxy: 'http://127.0.0.1:1',
  ETCD_NAME: 'x',
  ETCDCTL_ENDPOINTS: 'http://127.0.0.1:1',
}
let marks = 0

function start(): { child: ChildProcess; mark: string } {
  const mark = `${process.pid}-${++marks}`
  const env = { ...process.env, ...hostile, KPIPE_TEST_MARK: mark }
  return { mark: `KPIPE_TEST_MARK=${mark}`, child: ownChild('npm', ['start'], { cwd: clone, env, stdio: ['ignore', 'pipe', 'pipe'] }) }
}

/** Listens where etcd does by default, unless somebody does already. */
async function takeDefaultPorts(t: Test): Promise<void> {
  for (const port of [2379, 2380]) {
    const server: Server = createServer().listen(port, '127.0.0.1')
    const taken = await Promise.race([once(server, 'listening').then(() => true), once(server, 'error').then(() => false)])
    if (taken) t.teardown(() => server.close())
  }
}

/** The words stand in the text in this order. */
function inOrder(t: Test, text: string, words: readonly string[]): void {
  let from = 0
  for (const word of words) {
    const at = text.indexOf(word, from)
    t.ok(at >= 0, `${word} is there, after what comes before it`)
    if (at < 0) return
    from = at + word.length
  }
}

const sameKeys = /# All 3219 keys are back, with the same values and revisions\./

test('npm start gives the whole tour on a machine with proxies, ETCD_ variables and 2379 taken, and leaves nothing behind', async (t) => {
  await takeDefaultPorts(t)
  const { child, mark } = start()
  const { code, stdout, stderr } = await collect(child)
  t.equal(code, 0, stderr)
  inOrder(t, stdout, [
    '$ cd ',
    '$ etcd --name=m1',
    '$ kpipe init -c examples/backup.yaml',
    '$ kpipe run examples/backup.yaml',
    '$ kpipe run examples/backup.yaml',
    '$ kpipe snapshots',
    '$ mv examples/repository',
    '$ rm -r examples',
    '$ kpipe restore latest --store ./repository --recovery-phrase-file ../recovery-phrase.txt -to ./snap',
    '$ kpipe status latest',
    'snapshot restore ./snap',
    '$ etcd --name=m1',
  ])
  t.match(stdout, sameKeys)
  t.same(await processesWith(mark), [])
  t.notOk(existsSync(tourFolder(stdout)))
})

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'] as const) {
  test(`npm start, ended by ${signal} while etcd runs, takes all its processes along`, async (t) => {
    const { child, mark } = start()
    let seen = ''
    child.stdout!.on('data', (text: string) => (seen += text))
    const ended = collect(child)
    await Promise.race([until('the first backup', () => seen.includes('$ kpipe run ')), ended])
    t.ok((await processesWith(mark)).length >= 4, 'npm, its script, the tour, etcd')
    child.kill(signal)
    await ended
    await until('all processes are gone', async () => (await processesWith(mark)).length === 0)
    t.notOk(existsSync(tourFolder(seen)))
    t.notMatch(seen, sameKeys)
  })
}

test('without any etcd the tour goes on with the snapshot file, and its last line says what was not shown', async (t) => {
  const folder = testFolder(t)
  for (const name of ['bin', 'tour']) await mkdir(join(folder, name))
  await symlink(nodes[26], join(folder, 'bin/node'))
  await symlink('/bin/cat', join(folder, 'bin/cat'))
  const script = `
    const { tour } = await import(${JSON.stringify(join(clone, 'scripts/tour/tour.ts'))})
    await tour(${JSON.stringify(join(folder, 'tour'))}, { cacheFolder: ${JSON.stringify(join(folder, 'cache'))} })`
  const env = { ...process.env, PATH: join(folder, 'bin') }
  const { code, stdout, stderr } = await collect(
    ownChild(nodes[26], ['--input-type=module', '-e', script], { env, stdio: ['ignore', 'pipe', 'pipe'] }),
  )
  t.equal(code, 0, stderr)
  inOrder(t, stdout, [
    '$ kpipe init -c examples/file.yaml',
    '$ kpipe run examples/file.yaml',
    '$ kpipe restore latest',
    '$ kpipe status latest',
    'byte for byte',
  ])
  t.match(
    stdout.trim().split('\n').at(-1),
    /Not shown: the backup of a running etcd.*because no etcd 3\.6 can be had .*no etcd 3\.4 can be had /,
  )
})

function tourFolder(output: string): string {
  return /^\$ cd (\/.*kpipe-tour-.*)$/m.exec(output)![1]!
}
