import { test } from 'tap'
import { foundEtcd } from '../../src/discover/found-etcd.ts'
import type { Host } from '../../src/discover/host.ts'
import { unitLaunch } from '../../src/discover/unit-launch.ts'
import { fixture, hostWith } from './host-with.ts'

async function etcdOf(host: Host, path: string) {
  const launch = await unitLaunch(host, { path, text: (await host.read(path)).text! })
  return launch === undefined ? undefined : foundEtcd(host, launch)
}

test("Debian's unit gets arguments and variables from its environment file", async (t) => {
  const host = hostWith(t, {
    '/usr/lib/systemd/system/etcd.service': fixture('debian.service'),
    '/etc/default/etcd':
      '# defaults\nDAEMON_ARGS="--listen-client-urls=http://127.0.0.1:2379 --wal-dir wal"\nETCD_NAME=\'from the file\'\n',
  })
  t.match(await etcdOf(host, '/usr/lib/systemd/system/etcd.service'), {
    name: { value: 'from the file', from: 'ETCD_NAME in /etc/default/etcd' },
    dataDir: { value: '/var/lib/etcd/default', from: 'ETCD_DATA_DIR in /usr/lib/systemd/system/etcd.service' },
    walDir: { value: '/wal' },
    listen: [{ value: 'http://127.0.0.1:2379', from: '--listen-client-urls in /usr/lib/systemd/system/etcd.service' }],
    wantsClientCertificate: false,
    notes: [],
  })
  const bare = hostWith(t, { '/usr/lib/systemd/system/etcd.service': fixture('debian.service') })
  t.match(await etcdOf(bare, '/usr/lib/systemd/system/etcd.service'), {
    name: { value: 'cp-1' },
    listen: [{ value: 'http://localhost:2379', from: 'the default of etcd' }],
    notes: [],
  })
})

test('a command over many lines, with quotes and variables', async (t) => {
  const host = hostWith(t, { '/etc/systemd/system/etcd.service': fixture('hard-way.service') })
  t.match(await etcdOf(host, '/etc/systemd/system/etcd.service'), {
    name: { value: 'controller-0' },
    server: { cert: { value: '/etc/etcd/my pki/kubernetes.pem' }, key: { value: '/etc/etcd/my pki/kubernetes-key.pem' } },
    trustedCa: { value: '/etc/etcd/my pki/ca.pem' },
    wantsClientCertificate: true,
    listen: [{ value: 'https://10.240.0.10:2379' }, { value: 'https://127.0.0.1:2379' }],
  })
})

test('drop-ins of all folders count in the order of their names, the stronger folder for each', async (t) => {
  const host = hostWith(t, {
    '/usr/lib/systemd/system/etcd.service': fixture('kubespray.service'),
    '/usr/lib/systemd/system/etcd.service.d/10-name.conf': '[Service]\nEnvironment=ETCD_NAME=weak\n',
    '/etc/systemd/system/etcd.service.d/10-name.conf':
      '[Service]\nEnvironmentFile=\nEnvironmentFile=/etc/etcd/*.env\nEnvironment=ETCD_NAME=a\n',
    '/run/systemd/system/etcd.service.d/20-name.conf': '[Service]\nEnvironment=ETCD_NAME=%l-%p\n',
    '/run/systemd/system/etcd.service.d/ignored.txt': '[Service]\nEnvironment=ETCD_NAME=c\n',
    '/etc/etcd/a.env': 'ETCD_DATA_DIR=/a\n',
    '/etc/etcd/b.env': 'ETCD_DATA_DIR=/b\n',
    '/etc/etcd/c.txt': 'ETCD_DATA_DIR=/c\n',
  })
  t.match(await etcdOf(host, '/usr/lib/systemd/system/etcd.service'), {
    name: { value: 'cp-1-etcd', from: 'ETCD_NAME in /run/systemd/system/etcd.service.d/20-name.conf' },
    dataDir: { value: '/b' },
    notes: [],
  })
})

test('an environment file that is missing is told, unless the unit does without', async (t) => {
  const host = hostWith(t, {
    '/u/etcd.service': '[Service]\nEnvironmentFile=/missing\nEnvironmentFile=-/also-missing\nExecStart=@/bin/etcd me --name=x',
  })
  t.match(await etcdOf(host, '/u/etcd.service'), {
    name: { value: 'x' },
    notes: ['/u/etcd.service names the file /missing, which cannot be read (ENOENT)'],
  })
  t.equal(await etcdOf(hostWith(t, { '/u/x.service': '[Service]\nExecStart=/bin/other' }), '/u/x.service'), undefined)
})
