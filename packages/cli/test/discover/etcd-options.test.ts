import { test } from 'tap'
import { etcdOptions } from '../../src/discover/etcd-options.ts'
import { saidIn } from '../../src/discover/launch.ts'
import type { Launch } from '../../src/discover/launch.ts'
import { plainLaunch } from '../../src/discover/named-place.ts'
import { hostWith } from './host-with.ts'

const launch = (args: string[], env: Record<string, string> = {}): Launch => ({
  ...plainLaunch('unit', 'here'),
  args,
  env: saidIn('here', Object.entries(env)),
})

test('flags are read as Go reads them, and win over variables', async (t) => {
  const host = hostWith(t, {})
  const { values, notes } = await etcdOptions(
    host,
    launch(['-name', 'a', '--client-cert-auth', '--data-dir=/a=b', '--name=b', 'word', '--auto-tls=false', '--wal-dir', '--cert-file'], {
      ETCD_NAME: 'variable',
      ETCD_TRUSTED_CA_FILE: '/ca',
      ETCD_ROOT_PASSWORD: 'pa$$word$x',
      OTHER: 'x',
    }),
  )
  t.same(Object.fromEntries(values), {
    name: { value: 'b', from: '--name in here' },
    'trusted-ca-file': { value: '/ca', from: 'ETCD_TRUSTED_CA_FILE in here' },
    'client-cert-auth': { value: 'true', from: '--client-cert-auth in here' },
    'data-dir': { value: '/a=b', from: '--data-dir in here' },
    'auto-tls': { value: 'false', from: '--auto-tls in here' },
    'wal-dir': { value: 'true', from: '--wal-dir in here' },
    'cert-file': { value: 'true', from: '--cert-file in here' },
  })
  t.same(notes, [])
})

test('with a configuration file nothing else counts', async (t) => {
  const config =
    'name: c\nclient-transport-security: { cert-file: /c.crt, client-cert-auth: true }\npeer-transport-security:\n  cert-file: /p.crt\n'
  const host = hostWith(t, { '/etc/etcd.yml': config })
  for (const one of [
    launch(['--config-file=/etc/etcd.yml', '--name=flag']),
    launch([], { ETCD_CONFIG_FILE: '/etc/etcd.yml', ETCD_DATA_DIR: '/x' }),
  ]) {
    const { values } = await etcdOptions(host, one)
    t.same(Object.fromEntries(values), {
      name: { value: 'c', from: 'name in /etc/etcd.yml' },
      'cert-file': { value: '/c.crt', from: 'cert-file in /etc/etcd.yml' },
      'client-cert-auth': { value: 'true', from: 'client-cert-auth in /etc/etcd.yml' },
      'peer-cert-file': { value: '/p.crt', from: 'peer-cert-file in /etc/etcd.yml' },
    })
  }
})

test('what cannot be read or filled in is told', async (t) => {
  const host = hostWith(t, { '/broken.yml': 'a: [' })
  const { values, notes } = await etcdOptions(
    host,
    launch(['--config-file=/gone.yml', '--name=x', '--data-dir=$(HOST)/etcd', '--wal-dir=${WAL}']),
  )
  t.same([...values.keys()].toSorted(), ['config-file', 'name'])
  t.same(notes, [
    'here names the configuration /gone.yml, which cannot be read (ENOENT)',
    '--data-dir in here has $(HOST), whose value is not told there',
    '--wal-dir in here has ${WAL}, whose value is not told there',
  ])
  t.match((await etcdOptions(host, launch(['--config-file=/broken.yml']))).notes, [/^the configuration \/broken.yml is no YAML: /])
})
