import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { parse } from 'yaml'
import { discover, type Findings } from '../../src/discover/discover.ts'
import { candidatesOf } from '../../src/discover/candidates.ts'
import { lookAround } from '../../src/discover/look-around.ts'
import { openHost } from '../../src/discover/host.ts'
import type { Host } from '../../src/discover/host.ts'
import { fixture, hostWith } from './host-with.ts'

const { signal } = new AbortController()
const usual = { path: undefined, from: undefined, offline: true, name: undefined, store: undefined, keyFile: undefined, signal }
const find = (host: Host, more: Partial<typeof usual> | { path: string } | { from: 'kubectl' } = {}) =>
  discover(host, { ...usual, ...more })
const source = (found: Findings) => (parse(found.pipeline) as { source: { with: Record<string, unknown> } }).source.with
const pairIn = (folder: string, name: string) => ({ [`${folder}/${name}.crt`]: '', [`${folder}/${name}.key`]: '' })

const kubeadm = {
  '/etc/kubernetes/manifests/etcd.yaml': fixture('kubeadm-etcd.yaml'),
  '/etc/kubernetes/manifests/kube-apiserver.yaml': fixture('kubeadm-kube-apiserver.yaml'),
}

test('a manifest of kubeadm gives addresses, certificates and data by their paths on the host', async (t) => {
  const found = await find(hostWith(t, { ...kubeadm, '/etc/kubernetes/pki/ca.crt': 'x', '/srv/secrets/enc.yaml': 'x' }))
  t.same(source(found), {
    endpoints: ['https://127.0.0.1:2379'],
    cacert: '/etc/kubernetes/pki/etcd/ca.crt',
    cert: '/etc/kubernetes/pki/apiserver-etcd-client.crt',
    key: '/etc/kubernetes/pki/apiserver-etcd-client.key',
  })
  t.match(found.warnings, [/ca.crt cannot be read by this user \(ENOENT\)/, /apiserver-etcd-client.crt cannot be read by this user/])
  t.match(found.pipeline, /# dataDir: \/data\/etcd\n/)
  t.match(found.etcd, { kind: 'manifest', name: { value: 'cp-1' }, dataDir: { value: '/data/etcd', from: /, there \/var\/lib\/etcd$/ } })
  t.same(
    found.beside.map(({ path, fault }) => [path, fault]),
    [
      ['/etc/kubernetes/pki', undefined],
      ['/srv/service-accounts/sa.key', '/srv/service-accounts/sa.key cannot be read by this user (ENOENT)'],
      ['/srv/secrets/enc.yaml', undefined],
    ],
  )
  t.same((parse(found.pipeline) as { attach: string[] }).attach, ['/etc/kubernetes/pki', '/srv/secrets/enc.yaml'])
  t.match(
    found.pipeline,
    '# - /srv/service-accounts/sa.key # keys of the tokens of service accounts; /srv/service-accounts/sa.key cannot be read',
  )
  t.match(found.looks, [
    { place: '/etc/kubernetes/manifests', found: [{}], note: '' },
    { place: '/var/lib/rancher/rke2/agent/pod-manifests', found: [] },
    {},
    {},
    { place: '/etc/systemd/system and 4 more folders, for etcd.service' },
    { place: 'the processes' },
    { place: 'the manifest of kube-apiserver', found: [{ place: '/etc/kubernetes/manifests/kube-apiserver.yaml' }] },
    { place: 'pods of the cluster', note: 'kubectl was not asked, for there is something on this host' },
    { place: 'the environment (ETCD_*, ETCDCTL_*)' },
  ])
})

test('without an etcd on this host the manifest of kube-apiserver says where it is', async (t) => {
  const external = fixture('kubeadm-kube-apiserver.yaml').replace(
    'https://127.0.0.1:2379',
    'https://10.1.0.1:2379,https://10.1.0.2:2379\n        - --etcd-prefix=/other',
  )
  const host = hostWith(t, { '/etc/kubernetes/manifests/kube-apiserver.yaml': external })
  const found = await find(host)
  t.same(source(found), {
    endpoints: ['https://10.1.0.1:2379', 'https://10.1.0.2:2379'],
    cacert: '/etc/kubernetes/pki/etcd/ca.crt',
    cert: '/etc/kubernetes/pki/apiserver-etcd-client.crt',
    key: '/etc/kubernetes/pki/apiserver-etcd-client.key',
  })
  t.equal(found.etcd.kind, 'apiserver')
  t.match(found.warnings[0], /^kube-apiserver keeps its objects under \/other \(--etcd-prefix in /)
  const beside = await find(hostWith(t, { ...kubeadm, '/etc/kubernetes/manifests/kube-apiserver.yaml': external }))
  t.equal(beside.etcd.kind, 'manifest')
  t.match(beside.warnings, [
    /kube-apiserver.yaml calls another etcd, at https:\/\/10.1.0.1:2379, https:\/\/10.1.0.2:2379: --from apiserver/,
  ])
})

test('a pod of OpenShift starts etcd in a script, and tells etcdctl its certificates', async (t) => {
  const found = await find(hostWith(t, { '/etc/kubernetes/manifests/etcd-pod.yaml': fixture('openshift-etcd-pod.yaml') }))
  const certs = '/etc/kubernetes/static-pod-resources/etcd-certs'
  t.same(source(found), {
    endpoints: ['https://127.0.0.1:2379'],
    cacert: `${certs}/configmaps/etcd-all-bundles/server-ca-bundle.crt`,
    cert: `${certs}/secrets/etcd-all-certs/etcd-peer-master-0.crt`,
    key: `${certs}/secrets/etcd-all-certs/etcd-peer-master-0.key`,
  })
  t.match(found.etcd, { name: { value: 'master-0' }, dataDir: { value: '/var/lib/etcd' } })
  t.same(
    found.beside.map(({ path }) => path),
    [`${certs}/configmaps/etcd-all-bundles`, `${certs}/secrets/etcd-all-certs`],
  )
})

for (const product of ['k3s', 'rke2'] as const) {
  test(`${product} keeps the settings of its etcd in a file, and what locks its data beside it`, async (t) => {
    const server = `/var/lib/rancher/${product}/server`
    const config = { [`${server}/db/etcd/config`]: fixture('rancher-config.yaml').replaceAll('PRODUCT', product) }
    const manifest = { '/var/lib/rancher/rke2/agent/pod-manifests/etcd.yaml': fixture('rke2-etcd.yaml') }
    const files = { ...pairIn(`${server}/tls/etcd`, 'client'), [`${server}/token`]: 't', [`${server}/cred/encryption-config.json`]: '{}' }
    const found = await find(hostWith(t, { ...config, ...(product === 'rke2' && manifest), ...files }))
    t.match(found.etcd, { kind: product === 'rke2' ? 'manifest' : 'config', name: { value: 'server-1-3b1b5ab5' } })
    t.match(source(found), { endpoints: ['https://127.0.0.1:2379'], cacert: `${server}/tls/etcd/server-ca.crt` })
    t.match(found.pipeline, `# dataDir: ${server}/db/etcd\n`)
    t.same(
      found.beside.map(({ path, fault }) => [path, fault]),
      [
        [`${server}/tls`, undefined],
        [`${server}/token`, undefined],
        [`${server}/cred/encryption-config.json`, undefined],
      ],
    )
  })
}

test('a unit of kubespray and its environment file', async (t) => {
  const files = { '/etc/systemd/system/etcd.service': fixture('kubespray.service'), '/etc/etcd.env': fixture('kubespray.env') }
  const found = await find(hostWith(t, files))
  t.same(source(found), {
    endpoints: ['https://127.0.0.1:2379'],
    cacert: '/etc/ssl/etcd/ssl/ca.pem',
    cert: '/etc/ssl/etcd/ssl/admin-node1.pem',
    key: '/etc/ssl/etcd/ssl/admin-node1-key.pem',
  })
  t.match(found.pipeline, '# ETCDCTL_CERT in /etc/etcd.env')
  t.same(
    found.beside.map(({ path }) => path),
    ['/etc/ssl/etcd/ssl'],
  )
})

test('a masked unit is none', async (t) => {
  for (const mask of ['', undefined]) {
    const files = { '/usr/lib/systemd/system/etcd.service': fixture('kubespray.service'), '/etc/systemd/system/other': '' }
    const host = hostWith(t, { ...files, ...(mask === undefined ? {} : { '/etc/systemd/system/etcd.service': mask }) })
    if (mask === undefined) symlinkSync('/dev/null', join(host.root, 'etc/systemd/system/etcd.service'))
    await t.rejects(find(host, { from: 'unit' } as never), { message: /\/etc\/systemd\/system\/etcd.service masks it/ })
  }
})

test('a file that is named is told by what is in it', async (t) => {
  const host = hostWith(t, {
    '/x/pod': fixture('kubeadm-etcd.yaml'),
    '/x/unit': fixture('hard-way.service'),
    '/x/env': fixture('kubespray.env'),
    '/x/config': fixture('rancher-config.yaml'),
    '/x/apiserver': fixture('kubeadm-kube-apiserver.yaml'),
    '/x/other.yaml': 'kind: Pod\nspec: { containers: [{ name: a, command: [nginx] }] }\n',
    '/x/text': '{ no',
    '/x/other.service': '[Service]\nExecStart=/bin/true\n',
    '/empty/x.txt': '',
    ...kubeadm,
  })
  for (const [path, kind] of [
    ['/x/pod', 'manifest'],
    ['/x/unit', 'unit'],
    ['/x/env', 'unit'],
    ['/x/config', 'config'],
    ['/x/apiserver', 'apiserver'],
    ['/etc/kubernetes/manifests', 'manifest'],
  ] as const)
    t.equal((await find(host, { path })).etcd.kind, kind, path)
  const refused = (path: string, message: RegExp) => t.rejects(find(host, { path }), { code: 'KPIPE_USAGE', message }, path)
  await refused('/x/other.yaml', /^\/x\/other.yaml starts no etcd$/)
  await refused('/x/text', /is no unit, and no YAML either: /)
  await refused('/x/other.service', /^the unit \/x\/other.service starts no etcd$/)
  await refused('/empty', /^\/empty starts no etcd$/)
  await refused('/gone', /^\/gone cannot be read \(ENOENT\)$/)
})

test('variables of a shell are enough, and fill in a user where they are of the same cluster', async (t) => {
  const env = {
    ETCDCTL_ENDPOINTS: '10.0.0.5:2379,10.0.0.6:2379',
    ETCDCTL_CACERT: '/ca.pem',
    ETCDCTL_USER: 'root',
    ETCDCTL_PASSWORD: 'canary-5e',
  }
  const alone = await find(hostWith(t, {}, env), { from: 'environment' } as never)
  t.same(source(alone), {
    endpoints: ['10.0.0.5:2379', '10.0.0.6:2379'],
    cacert: '/ca.pem',
    username: 'root',
    password: '${env:ETCDCTL_PASSWORD}',
  })
  t.notMatch(JSON.stringify(alone), 'canary-5e')
  const server = await find(hostWith(t, {}, { ETCD_LISTEN_CLIENT_URLS: 'http://0.0.0.0:2379', ETCD_DATA_DIR: '/d', ETCD_CERT_FILE: '/x' }))
  t.same(source(server), { endpoints: ['http://127.0.0.1:2379'] })
  t.equal(server.etcd.dataDir?.value, '/d')

  const plain = { '/etc/etcd.yml': 'name: a\nlisten-client-urls: http://127.0.0.1:2379\n' }
  const user = async (ofShell: Record<string, string>) => source(await find(hostWith(t, plain, ofShell), { path: '/etc/etcd.yml' }))
  t.match(await user({ ETCDCTL_USER: 'root', ETCDCTL_PASSWORD: 'x' }), { username: 'root', password: '${env:ETCDCTL_PASSWORD}' })
  t.match(await user({ ETCDCTL_ENDPOINTS: 'http://127.0.0.1:2379', ETCDCTL_USER: 'root', ETCDCTL_PASSWORD: 'x' }), { username: 'root' })
  t.same(await user({ ETCDCTL_ENDPOINTS: '10.9.9.9:2379', ETCDCTL_USER: 'root', ETCDCTL_PASSWORD: 'x' }), {
    endpoints: ['http://127.0.0.1:2379'],
  })
  const both = await find(hostWith(t, plain, { ETCDCTL_USER: 'root:canary-5e' }), { path: '/etc/etcd.yml' })
  t.same(source(both), { endpoints: ['http://127.0.0.1:2379'], username: 'root' })
  t.match(both.pipeline, '# The password is taken from ETCDCTL_USER when kpipe runs.')
  t.notMatch(JSON.stringify(both), 'canary-5e')
})

test('a process is read out of /proc, with what cannot be read of it', async (t) => {
  const words = (...all: string[]) => `${all.join('\0')}\0`
  const host = hostWith(t, {
    '/proc/71/cmdline': words('/usr/local/bin/etcd', '--name', 'p', '--listen-client-urls=https://10.0.0.1:2379', '--data-dir', '/d'),
    '/proc/71/environ': words('PATH=/bin', 'ETCD_TRUSTED_CA_FILE=/pki/ca.crt', 'ETCD_NAME=no'),
    '/proc/71/status': 'Name:\tetcd\nUid:\t997\t997\t997\t997\n',
    '/proc/8/cmdline': words('/usr/local/bin/etcdctl', 'watch'),
    '/proc/9/cmdline': '',
    '/proc/100/cmdline': words('etcd', '--name=second', '--data-dir=/e'),
    '/proc/version': 'x',
  })
  const found = await find(host)
  t.match(found.etcd, {
    place: 'process 71 of user 997',
    name: { value: 'p' },
    dataDir: { value: '/d' },
    trustedCa: { value: '/pki/ca.crt' },
    notes: [],
  })
  t.match(found.warnings, ['there is another etcd, which is not in the file: second in process 100'])
  t.equal((await find(host, { path: '100' })).etcd.name?.value, 'second')
  await t.rejects(find(host, { path: '8' }), { code: 'KPIPE_USAGE', message: 'process 8 is no etcd, or is gone' })
  const password = { ETCDCTL_USER: 'root', ETCDCTL_PASSWORD: 'x' }
  const withUser = async (env: Record<string, string>) =>
    source(
      await find(hostWith(t, { '/proc/7/cmdline': words('etcd', '--listen-client-urls=http://127.0.0.1:1') }, { ...password, ...env })),
    )
  t.notOk((await withUser({}))['username'], 'anybody may run a process called etcd')
  t.equal((await withUser({ ETCDCTL_ENDPOINTS: 'http://127.0.0.1:1' }))['username'], 'root')
  t.equal(found.looks.find(({ kind }) => kind === 'process')?.found.length, 2)
})

test('pods that kubectl tells of are called where each tells, and the one on this host first', async (t) => {
  const host = (name: string) => openHost('/nowhere', {}, name)
  const look = async (name: string, text = fixture('pod-list.yaml')) => {
    const { found } = await lookAround(host(name), { path: undefined, from: 'kubectl', askKubectl: async () => ({ text }) })
    return { places: found.map(({ place }) => place), endpoints: (await candidatesOf(host(name), found)).map(({ value }) => value), found }
  }
  t.match(await look('cp-2.example.com'), {
    places: ['pod etcd-cp-2 (kubectl)', 'pod etcd-cp-1 (kubectl)'],
    endpoints: ['https://127.0.0.1:2379', 'https://10.0.0.12:2379', 'https://10.0.0.11:2379'],
  })
  const afar = await look('laptop')
  t.same(afar.endpoints, ['https://10.0.0.11:2379', 'https://10.0.0.12:2379'])
  t.match(afar.found[0], { trustedCa: { value: '/etc/kubernetes/pki/etcd/ca.crt' }, dataDir: undefined })
  const network = await look('cp-1', fixture('pod-list.yaml').replaceAll('hostNetwork: true', 'hostNetwork: false'))
  t.same(network.endpoints, ['https://10.0.0.11:2379', 'https://10.0.0.12:2379'], 'loopback of a pod is not that of its host')
  const none = { kind: 'Pod', spec: { containers: [{ name: 'etcd', command: ['etcd'] }] } }
  await t.rejects(look('cp-1', JSON.stringify(none)), {
    code: 'KPIPE_USAGE',
    message: 'the etcd of pod without a name (kubectl) tells no address that leads to it from here: it has http://localhost:2379',
  })
})

test('nothing anywhere is told with all places', async (t) => {
  await t.rejects(find(hostWith(t, { '/etc/kubernetes/manifests/broken.yaml': 'a: [' }, { PATH: '/nowhere' })), {
    code: 'KPIPE_USAGE',
    message:
      /^no etcd was found: looked in \/etc\/kubernetes\/manifests \(this user cannot read .*broken.yaml \(no YAML: .*; the processes; .*component=etcd -o yaml: there is none\); the environment/,
    hint: /kpipe discover FILE/,
  })
})

test('what others have named cannot leave the comment that it stands in', async (t) => {
  const pod = {
    kind: 'Pod',
    spec: {
      containers: [{ name: 'etcd', command: ['etcd', '--data-dir=/d\nstore: x', '--name=a${b', '--listen-client-urls=http://10.0.0.1:1'] }],
    },
  }
  const host = hostWith(t, { '/evil\nkey: 1/pod.yaml': JSON.stringify({ ...pod, spec: { containers: [{ ...pod.spec.containers[0], volumeMounts: [{ mountPath: '/', name: 'v' }] }], volumes: [{ name: 'v', hostPath: { path: '/' } }] } }) }) // prettier-ignore
  const found = await find(host, { path: '/evil\nkey: 1/pod.yaml' })
  t.same(parse(found.pipeline), {
    source: { use: 'etcd', with: { endpoints: ['http://10.0.0.1:1'] } },
    store: { use: 'store-fs', with: { path: '/var/backups/kpipe' } },
    key: { file: '/etc/kpipe/repository.key' },
  })
})
