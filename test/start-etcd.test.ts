import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'tap'
import { ownChild } from '../scripts/children.ts'
import { loopbackEnv } from '../scripts/loopback-env.ts'
import { runTool } from '../scripts/etcd/run-tool.ts'
import { deleteKeys, differences, hourLater, readKeys, withEtcd, withRestoredEtcd, writeKeys } from './support/etcd.ts'
import { testFolder } from './support/folder.ts'
import { clone, collect, nodes } from './support/kpipe.ts'
import { processesWith, until } from './support/processes.ts'

for (const version of ['3.4', '3.6'] as const) {
  test(`etcd ${version} starts on free ports whatever the environment says, and nothing stays of it`, async (t) => {
    process.env.ETCD_NAME = 'x'
    process.env.ETCD_LISTEN_CLIENT_URLS = 'http://127.0.0.1:1'
    t.teardown(() => {
      delete process.env.ETCD_NAME
      delete process.env.ETCD_LISTEN_CLIENT_URLS
    })
    const { pid, dataDir } = await withEtcd(version, async (etcd) => {
      t.equal(await writeKeys(etcd.clientUrl, [['a', Buffer.from('b')]]), 1)
      t.equal((await readKeys(etcd.clientUrl)).get('a')?.value.toString(), 'b')
      return etcd
    })
    t.notOk(existsSync(dataDir))
    t.throws(() => process.kill(pid, 0), { code: 'ESRCH' })
  })
}

for (const version of ['3.4', '3.6'] as const) {
  test(`a snapshot of etcd ${version} is restored and served with the same keys, values and revisions`, async (t) => {
    const file = join(testFolder(t), 'snapshot.db')
    const before = await withEtcd(version, async (etcd) => {
      await writeKeys(etcd.clientUrl, hourLater())
      await deleteKeys(etcd.clientUrl, ['/registry/leases/kube-node-lease/node-7'])
      await runTool(etcd.binaries.etcdctl, ['--endpoints', etcd.clientUrl, 'snapshot', 'save', file], {
        env: { ...loopbackEnv(), ETCDCTL_API: '3' },
      })
      return readKeys(etcd.clientUrl)
    })
    t.equal(before.size, 329)
    const after = await withRestoredEtcd(version, file, async (etcd) => {
      const keys = await readKeys(etcd.clientUrl)
      await deleteKeys(etcd.clientUrl, ['/registry/leases/kube-node-lease/node-8'])
      t.same(differences(keys, await readKeys(etcd.clientUrl)), ['/registry/leases/kube-node-lease/node-8: missing'])
      return keys
    })
    t.same(differences(before, after), [])
  })
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  test(`${signal} takes etcd and its folder along`, async (t) => {
    const script = `
      const { getEtcd } = await import(${JSON.stringify(join(clone, 'scripts/etcd/get-etcd.ts'))})
      const { startEtcd } = await import(${JSON.stringify(join(clone, 'scripts/etcd/start-etcd.ts'))})
      const etcd = await startEtcd(await getEtcd({ version: '3.6' }))
      console.log(etcd.dataDir)`
    const mark = `KPIPE_TEST_MARK=${process.pid}-${signal}`
    const child = ownChild(nodes[26], ['--input-type=module', '-e', script], {
      env: { ...process.env, KPIPE_TEST_MARK: mark.split('=')[1] },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(child.stdout!.setEncoding('utf8'), 'data')) as [string]
    t.ok(existsSync(line.trim()))
    t.equal((await processesWith(mark)).length, 2)
    const ended = collect(child)
    child.kill(signal)
    t.equal((await ended).signal, signal)
    await until('etcd is gone', async () => (await processesWith(mark)).length === 0)
    t.notOk(existsSync(line.trim()))
  })
}

test('the environment for loopback has no proxies and nothing that configures an etcd', async (t) => {
  const kept = loopbackEnv({
    PATH: '/bin',
    ETCD_NAME: 'x',
    ETCDCTL_API: '2',
    https_proxy: 'p',
    HTTP_PROXY: 'p',
    NO_PROXY: 'p',
    all_proxy: 'p',
  })
  t.same(kept, { PATH: '/bin' })
  const asked: string[] = []
  const proxy = createServer((request, response) => {
    asked.push(request.url ?? '')
    response.writeHead(502).end()
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  t.teardown(() => proxy.close())
  const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
  const before = { ...process.env }
  t.teardown(() => {
    for (const name of ['http_proxy', 'https_proxy', 'grpc_proxy']) {
      if (before[name] === undefined) delete process.env[name]
      else process.env[name] = before[name]
    }
  })
  Object.assign(process.env, { http_proxy: url, https_proxy: url, grpc_proxy: url })
  await withEtcd('3.6', (etcd) => writeKeys(etcd.clientUrl, [['a', Buffer.from('b')]]))
  t.same(asked, [])
})
