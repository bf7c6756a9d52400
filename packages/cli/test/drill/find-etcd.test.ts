import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { etcdEnvironment, findEtcd, lineOfSnapshot } from '../../src/drill/find-etcd.ts'

test('a snapshot is of the highest line that its database names', (t) => {
  const cases: [Record<string, string | number | null>, string][] = [
    [{}, '3.4'],
    [{ cluster_version: '3.4.0', storage_version: '', term: null }, '3.4'],
    [{ cluster_version: '3.5.0', storage_version: '', term: 2 }, '3.5'],
    [{ term: 2 }, '3.5'],
    [{ cluster_version: '3.5.0', storage_version: '3.6.0', term: 2 }, '3.6'],
    [{ cluster_version: '3.10.0', storage_version: '3.9.0', term: 2 }, '3.10'],
  ]
  for (const [facts, line] of cases) t.equal(lineOfSnapshot(facts), line, JSON.stringify(facts))
  t.end()
})

test('an etcd of the same line comes before a newer one, and an older one is not taken', async (t) => {
  const folder = t.testdir()
  const bin = (versions: Record<string, string>): string => {
    const path = join(folder, Object.keys(versions).join('-') || 'none')
    mkdirSync(path)
    for (const [name, version] of Object.entries(versions)) {
      writeFileSync(join(path, name), `#!/bin/sh\necho "etcd Version: ${version}"\necho "Git SHA: 0"\n`)
      chmodSync(join(path, name), 0o755)
    }
    return path
  }
  const found = async (line: string, path: string): Promise<string> => {
    const choice = await findEtcd(undefined, line, path)
    return 'why' in choice ? choice.why : `${choice.path.slice(path.length + 1)} ${choice.version}`
  }
  const both = bin({ etcd: '3.7.1', 'etcd-3.6': '3.6.16' })
  t.equal(await found('3.6', both), 'etcd-3.6 3.6.16')
  t.equal(await found('3.7', both), 'etcd 3.7.1')
  t.equal(await found('3.4', both), 'etcd 3.7.1', 'a newer one boots it')
  t.equal(await found('3.8', both), 'etcd on PATH is 3.7.1, and the snapshot is of 3.8')
  t.equal(await found('3.5', bin({ 'etcd-3.4': '3.4.1', 'etcd-3.6': '3.6.1' })), 'etcd-3.6 3.6.1')
  t.equal(await found('3.5', bin({})), 'there is no etcd-3.5 and no etcd on PATH')
  t.equal(await found('3.5', bin({ etcd: 'something else' })), 'there is no etcd-3.5 and no etcd on PATH')
})

test('an etcd that is named is taken, or it is said why not', async (t) => {
  const folder = t.testdir({ etcd: '#!/bin/sh\necho "etcd Version: 3.5.20"\n', none: 'text' })
  chmodSync(join(folder, 'etcd'), 0o755)
  t.same(await findEtcd(join(folder, 'etcd'), '3.4', ''), { path: join(folder, 'etcd'), version: '3.5.20' })
  const refused = { code: 'KPIPE_USAGE' }
  await t.rejects(findEtcd(join(folder, 'etcd'), '3.6', ''), { ...refused, message: /is etcd 3\.5\.20, and the snapshot is of 3\.6/ })
  for (const name of ['none', 'not there']) await t.rejects(findEtcd(join(folder, name), '3.6', ''), refused, name)
})

test('variables that etcd would take for flags do not reach it', (t) => {
  process.env['ETCD_LISTEN_CLIENT_URLS'] = 'http://0.0.0.0:2379'
  t.teardown(() => delete process.env['ETCD_LISTEN_CLIENT_URLS'])
  t.same(
    Object.keys(etcdEnvironment()).filter((name) => name !== 'PATH' && name !== 'ETCD_UNSUPPORTED_ARCH'),
    [],
  )
  t.end()
})
