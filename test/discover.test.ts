import { chmodSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'
import { etcdOptions } from '../packages/cli/src/discover/etcd-options.ts'
import { openHost } from '../packages/cli/src/discover/host.ts'
import { processLaunches } from '../packages/cli/src/discover/processes.ts'
import { certificateAuthority } from '../packages/stage-etcd/test/certificates.ts'
import { freePorts } from '../scripts/etcd/free-ports.ts'
import { getEtcd } from '../scripts/etcd/get-etcd.ts'
import { startEtcd, type RunningEtcd } from '../scripts/etcd/start-etcd.ts'
import { writeKeys } from './support/etcd.ts'
import { emptyPlace, lastLine, type Place } from './support/place.ts'

const dayMs = 86_400_000
const made = emptyPlace(t)
// Folders as kubeadm has them; the manifests call them otherwise.
for (const folder of ['pki/etcd', 'manifests', 'secrets']) mkdirSync(made.at(folder), { recursive: true })
const authority = await certificateAuthority(made.at('pki/etcd'), 'ca')
const server = await authority.sign({ commonName: 'server', names: ['127.0.0.1'], notAfter: new Date(Date.now() + 10.5 * dayMs) })
await authority.sign({ commonName: 'healthcheck-client' })
for (const [file, text] of [['pki/ca.crt', authority.pem], ['secrets/enc.yaml', 'kind: EncryptionConfiguration\n']] as const) writeFileSync(made.at(file), text) // prettier-ignore
const tls = { certFile: server.certFile, keyFile: server.keyFile, trustedCaFile: authority.certFile }

const [one, two] = await startCluster()
t.teardown(() => Promise.all([one.stop(), two.stop()]))
await writeKeys(one.clientUrl, [['key', Buffer.from('value')]])
writeFileSync(made.at('manifests/etcd.yaml'), JSON.stringify(etcdPod(one)))
writeFileSync(made.at('manifests/kube-apiserver.yaml'), JSON.stringify(apiServerPod()))

async function startCluster(): Promise<[RunningEtcd, RunningEtcd]> {
  const peers = (await freePorts(2)).map((port) => `http://127.0.0.1:${port}`)
  const initial = peers.map((url, n) => `m${n + 1}=${url}`).join()
  const binaries = await getEtcd({ version: '3.6' })
  const started = await Promise.allSettled(
    peers.map((url, n) => {
      const extraArgs = [`--listen-peer-urls=${url}`, `--initial-advertise-peer-urls=${url}`, `--initial-cluster=${initial}`]
      return startEtcd(binaries, { name: `m${n + 1}`, tls, extraArgs })
    }),
  )
  const running = started.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
  if (running.length < 2) await Promise.all(running.map((etcd) => etcd.stop()))
  for (const outcome of started) if (outcome.status === 'rejected') throw outcome.reason
  return running as [RunningEtcd, RunningEtcd]
}

/** Written by hand, after what kubeadm makes, with folders of the test behind the usual paths. */
function etcdPod({ args, dataDir }: RunningEtcd) {
  const inside = args.map((arg) => arg.replace(made.at('pki/etcd'), '/etc/kubernetes/pki/etcd').replace(dataDir, '/var/lib/etcd'))
  const folders = { certs: [made.at('pki/etcd'), '/etc/kubernetes/pki/etcd'], data: [dataDir, '/var/lib/etcd'] } as const
  return pod('etcd', ['etcd', ...inside], folders)
}

function apiServerPod() {
  const flags = ['--client-ca-file=/etc/kubernetes/pki/ca.crt', '--encryption-provider-config=/etc/kubernetes/enc/enc.yaml']
  const folders = { pki: [made.at('pki'), '/etc/kubernetes/pki'], enc: [made.at('secrets'), '/etc/kubernetes/enc'] } as const
  return pod('kube-apiserver', ['kube-apiserver', ...flags], folders)
}

function pod(name: string, command: string[], folders: Readonly<Record<string, readonly [outside: string, inside: string]>>) {
  const volumes = Object.entries(folders).map(([volume, [path]]) => ({ name: volume, hostPath: { path } }))
  const volumeMounts = Object.entries(folders).map(([volume, [, mountPath]]) => ({ name: volume, mountPath }))
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: { hostNetwork: true, containers: [{ name, command, volumeMounts }], volumes },
  }
}

const whereTo = ['--store', 'repository', '--key-file', 'repository.key']
const sourceIn = (text: string) => (parse(text) as { source: { with: Record<string, unknown> } }).source.with

t.test('a manifest becomes a pipeline file that kpipe accepts, plans and runs', async (t) => {
  const found = await made.kpipe(['discover', made.at('manifests/etcd.yaml'), '-to', 'backup.yaml', ...whereTo])
  t.equal(found.code, 0, found.stderr)
  t.equal(found.stdout, '')
  t.equal(statSync(made.at('backup.yaml')).mode & 0o777, 0o600)
  const text = readFileSync(made.at('backup.yaml'), 'utf8')
  const pki = made.at('pki/etcd')
  t.same(sourceIn(text), {
    endpoints: [one.tlsUrl, two.tlsUrl],
    cacert: `${pki}/ca.crt`,
    cert: `${pki}/healthcheck-client.crt`,
    key: `${pki}/healthcheck-client.key`,
  })
  t.match(text, `# m2, by the list of members\n`)
  t.match(text, `cacert: ${pki}/ca.crt # --trusted-ca-file in ${made.at('manifests/etcd.yaml')}, there /etc/kubernetes/pki/etcd/ca.crt\n`)
  t.match(text, `# dataDir: ${one.dataDir}\n`)
  for (const path of [made.at('pki'), made.at('secrets/enc.yaml')]) {
    t.match(found.stderr, `  ${path}: `)
  }
  t.same((parse(text) as { attach: string[] }).attach, [made.at('pki'), made.at('secrets/enc.yaml')])
  t.match(found.stderr, `found in ${made.at('manifests/etcd.yaml')}: etcd m1, at `)
  for (const etcd of [one, two]) {
    t.match(found.stderr, new RegExp(`the certificate of etcd at ${etcd.tlsUrl.replace('https://', '')} expires in 10 days`))
  }
  t.notMatch(found.stderr, /client certificate for etcd .* expires/)

  t.match(lastLine(await made.kpipe(['lint', '--json'])), { errors: 0 })
  t.equal((await made.kpipe(['init', '--no-recovery-phrase'])).code, 0)
  t.equal((await made.kpipe(['plan'])).code, 0)
  const run = await made.kpipe(['run', '--json'])
  t.equal(run.code, 0, run.stderr)
  t.match(lastLine(run), { message_type: 'summary', trailer_verified: true })
  t.equal((await made.kpipe(['restore', 'latest', '--attachments', 'attached'])).code, 0)
  t.equal(readFileSync(made.at('attached', made.at('pki/ca.crt')), 'utf8'), authority.pem, 'what stood beside etcd is in the backup')

  const again = await made.kpipe(['discover', made.at('manifests/etcd.yaml'), '--to', 'backup.yaml'])
  t.equal(again.code, 64)
  t.match(again.stderr, /backup.yaml exists already/)
  t.equal(readFileSync(made.at('backup.yaml'), 'utf8'), text)
})

t.test('what runs is found with its arguments and its environment', async (t) => {
  const host = openHost()
  const launch = (await processLaunches(host)).find(({ place }) => place === `process ${one.pid}`)!
  const { values, notes } = await etcdOptions(host, launch)
  t.same(notes, [])
  t.match(Object.fromEntries(values), {
    name: { value: 'm1', from: `--name in process ${one.pid}` },
    'data-dir': { value: one.dataDir },
    'trusted-ca-file': { value: authority.certFile },
  })
  t.equal(launch.hostPath('/x'), '/x', 'it is in no container')
  const found = await made.kpipe(['discover', String(one.pid), '--offline', '--json'])
  t.equal(found.code, 0, found.stderr)
  t.match(JSON.parse(found.stdout), {
    looked: [{ kind: 'process', place: `process ${one.pid}`, found: [`process ${one.pid}`], note: null }],
    etcd: { name: 'm1', data_dir: one.dataDir },
    endpoints: [{ value: one.tlsUrl }],
    connection: { state: 'not tested' },
    file: null,
  })
})

t.test('pods that kubectl tells of are one cluster', async (t) => {
  const items = [one, two].map((etcd) => ({ ...etcdPod(etcd), metadata: { name: `etcd-${etcd.dataDir.slice(-3)}` } }))
  const found = await withKubectl(made, `cat <<'END'\n${JSON.stringify({ kind: 'List', items })}\nEND`)
  t.equal(found.code, 0, found.stderr)
  t.same(sourceIn(found.stdout)['endpoints'], [one.tlsUrl, two.tlsUrl])
  t.match(found.stderr, /found in pod etcd-\w+ \(kubectl\): etcd m1/)
  t.equal(found.calls, 1)
  const failing = await withKubectl(made, 'echo "error: no configuration has been provided" >&2; exit 1')
  t.equal(failing.code, 64)
  t.match(
    failing.stderr,
    /no etcd was found: looked in pods of the cluster \(kubectl get pod .*: error: no configuration has been provided\)/,
  )
  t.equal(failing.calls, 1)
})

async function withKubectl(place: Place, script: string) {
  mkdirSync(place.at('bin'), { recursive: true })
  writeFileSync(place.at('bin/kubectl'), `#!/bin/sh\necho call >> '${place.at('calls')}'\n${script}\n`)
  chmodSync(place.at('bin/kubectl'), 0o755)
  writeFileSync(place.at('calls'), '')
  const env = { PATH: `${place.at('bin')}:${process.env['PATH']}` }
  const ended = await place.kpipe(['discover', '--from', 'kubectl'], { env })
  return { ...ended, calls: readFileSync(place.at('calls'), 'utf8').split('\n').length - 1 }
}

t.test("a client's certificate is preferred, and etcd's own is the last one taken", async (t) => {
  const find = async () => {
    const found = await made.kpipe(['discover', made.at('manifests/etcd.yaml'), '--json'])
    const { settings, connection, warnings } = JSON.parse(found.stdout) as Record<string, Record<string, unknown>>
    return { code: found.code, cert: (settings!['cert'] as { value: string }).value, connection, warnings }
  }
  const move = (from: string, to: string) => {
    for (const end of ['crt', 'key']) renameSync(made.at(`${from}.${end}`), made.at(`${to}.${end}`))
  }
  move('pki/etcd/healthcheck-client', 'pki/apiserver-etcd-client')
  t.match(await find(), { code: 0, cert: made.at('pki/apiserver-etcd-client.crt'), connection: { state: 'works' } })
  move('pki/apiserver-etcd-client', 'pki/other')
  t.match(await find(), { code: 0, cert: server.certFile, connection: { state: 'works' } })
  const stranger = await certificateAuthority(made.at('secrets'), 'stranger')
  await stranger.sign({ commonName: 'healthcheck-client' })
  move('secrets/healthcheck-client', 'pki/etcd/healthcheck-client')
  t.match(await find(), { code: 0, cert: server.certFile }, 'one that etcd would refuse is passed over')
})

t.test('a cluster that has lost its quorum, or is gone, is told, and the file is written all the same', async (t) => {
  await two.stop()
  // The one that is left leads until it has missed the other for a while.
  const find = () => made.kpipe(['discover', made.at('manifests/etcd.yaml')])
  let lost = await find()
  for (let attempt = 0; attempt < 100 && lost.code === 0; attempt += 1) lost = await find()
  t.equal(lost.code, 3, lost.stderr)
  t.match(lost.stderr, /quorum is lost: no member has a leader/)
  // Which of the two depends on whether the list of members still was to be had when the connection was tried.
  t.match(lost.stderr, /warning: member m2: (no endpoint that answers leads to it|etcd at .*: connection refused)/)
  t.same(sourceIn(lost.stdout)['endpoints'], [one.tlsUrl, two.tlsUrl])
  await one.stop()
  const gone = await made.kpipe(['discover', made.at('manifests/etcd.yaml'), '--to', 'gone.yaml'])
  t.equal(gone.code, 3, gone.stderr)
  t.match(gone.stderr, /the connection does not work: .*connection refused/)
  t.match(gone.stderr, `the client certificate ${server.certFile} expires in 10 days`)
  t.same(sourceIn(readFileSync(made.at('gone.yaml'), 'utf8'))['endpoints'], [one.tlsUrl])
  t.match(lastLine(await made.kpipe(['lint', 'gone.yaml', '--json'])), { errors: 0 })
})
