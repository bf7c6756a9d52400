import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'tap'
import { ownChild } from '../scripts/children.ts'
import { getEtcd } from '../scripts/etcd/get-etcd.ts'
import { testFolder } from './support/folder.ts'
import { clone, collect, nodes } from './support/kpipe.ts'

const getter = join(clone, 'scripts/etcd/get-etcd.ts')

for (const version of ['3.4', '3.6'] as const) {
  test(`etcd ${version} is found or got, with the tool that restores its snapshots`, async (t) => {
    const binaries = await getEtcd({ version })
    t.ok(binaries.version.startsWith(`${version}.`), binaries.version)
    t.equal(binaries.etcdutl !== undefined, version !== '3.4')
    t.same(await getEtcd({ version }), binaries, 'asked again, it is the same one')
  })

  test(`without any way to get etcd ${version}, one sentence names all that was tried`, async (t) => {
    const empty = testFolder(t)
    const script = `
      const { getEtcd } = await import(${JSON.stringify(getter)})
      await getEtcd({ version: '${version}', cacheFolder: ${JSON.stringify(join(empty, 'cache'))} }).catch((error) => console.log(error.message))`
    const { stdout, code } = await collect(
      ownChild(nodes[26], ['--input-type=module', '-e', script], { env: { PATH: empty }, stdio: ['ignore', 'pipe', 'inherit'] }),
    )
    t.equal(code, 0)
    t.equal(stdout.trim().split('\n').length, 1)
    t.match(stdout, `no etcd ${version} can be had (PATH: there is no etcd; the cache: `)
    t.match(stdout, version === '3.4' ? "Debian's packages: apt-get was not found" : 'Go modules (3.6.16): go was not found')
    t.same(await readdir(join(empty, 'cache')), [], 'nothing half-made stays in the cache')
  })
}

test('an etcd in PATH is taken when its version fits and its tools are there, else passed over', async (t) => {
  const folder = testFolder(t)
  const fake = async (name: string, version: string) => {
    await writeFile(join(folder, name), `#!/bin/sh\necho "${name} version: ${version}"\n`)
    await chmod(join(folder, name), 0o755)
  }
  await fake('etcd', '3.6.99')
  await fake('etcdctl', '3.6.99')
  const path = process.env.PATH
  t.teardown(() => (process.env.PATH = path))
  process.env.PATH = `${folder}:${path}`
  t.not((await getEtcd({ version: '3.6' })).version, '3.6.99', 'etcdutl is missing')
  await fake('etcdutl', '3.6.99')
  t.equal((await getEtcd({ version: '3.6' })).version, '3.6.99')
  await fake('etcdctl', '3.5.1')
  t.not((await getEtcd({ version: '3.6' })).version, '3.6.99', 'etcdctl is of another line')
})

test('a build that was interrupted is not taken for a good one', async (t) => {
  const cacheFolder = testFolder(t)
  await mkdir(join(cacheFolder, `3.6.16-${process.arch}`))
  await writeFile(join(cacheFolder, `3.6.16-${process.arch}`, 'etcd'), 'half', { mode: 0o755 })
  const path = process.env.PATH
  t.teardown(() => (process.env.PATH = path))
  process.env.PATH = cacheFolder
  await t.rejects(getEtcd({ version: '3.6', cacheFolder }), { message: /the cache: .* has no etcdctl.*go was not found/ })
})
