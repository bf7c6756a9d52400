import { randomBytes } from 'node:crypto'
import t from 'tap'
import { certificateAuthority } from '../packages/stage-etcd/test/certificates.ts'
import { freePorts } from '../scripts/etcd/free-ports.ts'
import { enableAuth, etcdctlAsRoot, rootUser } from '../scripts/etcd/users.ts'
import { getEtcd } from '../scripts/etcd/get-etcd.ts'
import { startEtcd, type RunningEtcd } from '../scripts/etcd/start-etcd.ts'
import { writeKeys } from './support/etcd.ts'
import { meanwhile } from './support/kpipe.ts'
import { etcdctl } from './support/member-state.ts'
import { lastLine, place, type Place } from './support/place.ts'
import { tcpProxy } from './support/tcp-proxy.ts'

interface MemberRow {
  readonly id: string
  readonly name: string
  readonly endpoint: string
  readonly leader: boolean
  readonly learner: boolean
  readonly lag: number
  readonly errors: readonly string[]
}

const authority = await certificateAuthority(t.testdir())
const server = await authority.sign({ commonName: 'server', names: ['127.0.0.1'] })
const binaries = await getEtcd({ version: '3.6' })
const tls = { certFile: server.certFile, keyFile: server.keyFile, trustedCaFile: authority.certFile }
const password = `username: ${rootUser.name}, password: ${rootUser.password}, dialTimeout: 2`

const cluster = await startCluster(3)
t.teardown(() => Promise.all(cluster.map((etcd) => etcd.stop())))
// Long enough to be met half way.
for (let n = 0; n < 12; n += 1) await writeKeys(cluster[0]!.clientUrl, [[`big/${n}`, randomBytes(1 << 20)]])
await writeKeys(
  cluster[0]!.clientUrl,
  Array.from({ length: 100 }, (_, n): [string, Buffer] => [`k/${n}`, randomBytes(1000)]),
)

async function startCluster(count: number): Promise<RunningEtcd[]> {
  const peers = (await freePorts(count)).map((port) => `http://127.0.0.1:${port}`)
  const initial = peers.map((url, n) => `m${n + 1}=${url}`).join()
  const started = await Promise.allSettled(peers.map((url, n) => startMember(`m${n + 1}`, url, [`--initial-cluster=${initial}`])))
  const running = started.filter((outcome) => outcome.status === 'fulfilled').map(({ value }) => value)
  for (const outcome of started) {
    if (outcome.status === 'fulfilled') continue
    await Promise.all(running.map((etcd) => etcd.stop()))
    throw outcome.reason
  }
  return running
}

function startMember(name: string, peerUrl: string, args: readonly string[]): Promise<RunningEtcd> {
  const extraArgs = [`--listen-peer-urls=${peerUrl}`, `--initial-advertise-peer-urls=${peerUrl}`, ...args]
  return startEtcd(binaries, { name, tls, extraArgs })
}

const source = (endpoints: readonly string[], more = '') =>
  `{ use: etcd, with: { endpoints: ['${endpoints.join("', '")}']${more === '' ? '' : `, ${more}`} } }`
const urls = () => cluster.map((etcd) => etcd.clientUrl)
const hostOf = (etcd: RunningEtcd) => etcd.clientUrl.replace('http://', '')

async function members(at: Place, code = 0): Promise<MemberRow[]> {
  const ended = await at.kpipe(['members', '--json'])
  if (ended.code !== code) throw new Error(`members ended with ${ended.code}: ${ended.stderr}`)
  return (JSON.parse(ended.stdout) as { members: MemberRow[] }).members
}

/** The member that leads, and the others. */
async function roles(at: Place): Promise<{ leader: MemberRow; others: MemberRow[] }> {
  const rows = (await members(at)).filter(({ endpoint }) => endpoint !== null)
  return { leader: rows.find(({ leader }) => leader)!, others: rows.filter(({ leader }) => !leader) }
}

t.test('a follower is taken before the leader, the same one each time, and the reasons are told', async (t) => {
  const at = await place(t, source(urls()))
  const { leader, others } = await roles(at)
  t.match(leader, { name: /^m[123]$/, learner: false, lag: 0, errors: [] })
  t.equal(others.length, 2)
  const first = await at.kpipe(['run', '-v'])
  t.equal(first.code, 0, first.stderr)
  t.match(first.stderr, /^member: m\d at 127\.0\.0\.1:\d+: follower$/m)
  t.match(first.stderr, new RegExp(`not taken: ${leader.name} at ${leader.endpoint}: leader`))
  const second = await at.kpipe(['run', '-v', '--json'])
  t.match(second.stderr, /^member: m\d .*: follower, the newest snapshot is of it$/m)
  const listed = JSON.parse((await at.kpipe(['snapshots', '--json'])).stdout) as { member: string; quorum: string }[]
  t.equal(new Set(listed.map(({ member }) => member)).size, 1)
  t.ok(others.some(({ id }) => id === listed[0]!.member))
  t.match(listed, [{ quorum: 'held' }, { quorum: 'held' }])
  t.match(lastLine(second), { quorum: 'held', started_over: 0, attention: [] })
  t.notMatch((await at.kpipe(['snapshots'])).stdout, 'NOTE')
})

t.test('the member of the newest snapshot goes before its equals, wherever it stands', async (t) => {
  const at = await place(t, source(urls()))
  const { others } = await roles(at)
  const last = others.at(-1)!
  t.equal((await at.kpipe(['run', '--member', last.name])).code, 0)
  const again = await at.kpipe(['run', '--json'])
  t.match(lastLine(again), { member: last.id })
})

t.test('a pinned member is taken, also the leader, and one that is not there is refused', async (t) => {
  const at = await place(t, source(urls()))
  const { leader } = await roles(at)
  for (const name of [leader.name, leader.id, leader.endpoint]) {
    const ended = await at.kpipe(['run', '--json', '--member', name])
    t.match(lastLine(ended), { member: leader.id }, ended.stderr)
  }
  const wrong = await at.kpipe(['run', '--member', 'm9'])
  t.match(wrong, { code: 69, stderr: /no endpoint leads to the member m9; there are: m1 [0-9a-f]{16} 127/ })
  at.pipeline('{ use: file, with: { path: ./repository.key } }')
  t.match(await at.kpipe(['run', '--member', 'm1']), { code: 64, stderr: /stage-file has no members/ })
})

t.test('the table tells what is known, and ETCDCTL variables stand in for settings that are not there', async (t) => {
  const at = await place(t, '{ use: etcd }')
  const [cert] = [await authority.sign({ commonName: 'anybody' })]
  const env = {
    ETCDCTL_ENDPOINTS: cluster.map(({ tlsUrl }) => tlsUrl).join(),
    ETCDCTL_CACERT: authority.certFile,
    ETCDCTL_CERT: cert.certFile,
    ETCDCTL_KEY: cert.keyFile,
  }
  const { code, stdout, stderr } = await at.kpipe(['members', '-v'], { env })
  t.equal(code, 0, stderr)
  t.match(stdout, /^NAME +ID +ENDPOINT +VERSION +SIZE +IN USE +LEADER +LEARNER +LAG +ERRORS\n/)
  for (const name of ['m1', 'm2', 'm3'])
    t.match(stdout, new RegExp(`^${name} +[0-9a-f]{16} +127\\.0\\.0\\.1:\\d+ +3\\.6\\.\\d+ +\\d+ MB`, 'm'))
  t.match(stderr, 'endpoints of the source: from ETCDCTL_ENDPOINTS\ncacert of the source: from ETCDCTL_CACERT\n')
  const shown = await at.kpipe(['config', 'show'], { env: { ...env, ETCDCTL_USER: 'root', ETCDCTL_PASSWORD: 'hunter2' } })
  t.match(shown.stdout, /^source\.with\.cacert +\S+ +env ETCDCTL_CACERT$/m)
  t.match(shown.stdout, /^source\.with\.password +\*+ +env ETCDCTL_PASSWORD$/m)
  at.pipeline(source(urls()))
  t.equal((await at.kpipe(['members'], { env: { ETCDCTL_ENDPOINTS: 'http://127.0.0.1:1' } })).code, 0, 'the file is not overridden')
})

t.test('a learner is taken before a follower', async (t) => {
  const [port] = await freePorts(1)
  const peerUrl = `http://127.0.0.1:${port}`
  const added = await etcdctl(cluster[0]!, ['member', 'add', 'm4', '--learner', `--peer-urls=${peerUrl}`])
  const initial = /ETCD_INITIAL_CLUSTER="([^"]*)"/.exec(added)![1]
  const learner = await startMember('m4', peerUrl, [`--initial-cluster=${initial}`, '--initial-cluster-state=existing'])
  t.teardown(() => learner.stop())
  const at = await place(t, source([...urls(), learner.clientUrl]))
  const row = (await members(at)).find(({ name }) => name === 'm4')!
  t.match(row, { learner: true, leader: false, errors: [] })
  const ended = await at.kpipe(['run', '--json', '-v'])
  t.equal(ended.code, 0, ended.stderr)
  t.match(lastLine(ended), { member: row.id, attention: [] })
  t.match(ended.stderr, /^member: m4 at .*: learner$/m)
  await etcdctl(cluster[0]!, ['member', 'remove', row.id])
})

t.test('killed in mid-stream, the next member gives the snapshot; with two of three gone quorum is lost', async (t) => {
  await enableAuth(cluster[0]!)
  const asRoot = await place(t, source(urls(), password))
  const { leader, others } = await roles(asRoot)
  const etcdOf = ({ endpoint }: MemberRow) => cluster.find((etcd) => hostOf(etcd) === endpoint)!
  const [dying, left] = [etcdOf(others[0]!), etcdOf(others[1]!)]
  const before = await smallKeys(left)

  await t.test('the run starts over with another member, and tells it', async (t) => {
    const proxy = await tcpProxy(t, dying.clientUrl)
    const at = await place(t, source([proxy.address, left.clientUrl, etcdOf(leader).clientUrl], password))
    const held = proxy.holdAfter(4 << 20)
    const running = at.spawn(['run', '--json', '-v'])
    await meanwhile(held, running.ended)
    dying.kill('SIGKILL')
    await dying.exited
    proxy.close()
    const ended = await running.ended
    t.equal(ended.code, 0, ended.stderr)
    t.match(ended.stderr, new RegExp(`warning: snapshot from etcd at ${proxy.address}: .* bytes; starting over with another member`))
    t.match(ended.stderr, new RegExp(`endpoint passed over: etcd at ${proxy.address}`))
    t.match(lastLine(ended), { member: others[1]!.id, started_over: 1, attempts: 1, attention: [] })
    t.equal(await at.logKinds(), 'GENESIS OPEN ABORT OPEN SNAPSHOT')
  })

  etcdOf(leader).kill('SIGKILL')
  await etcdOf(leader).exited
  const operator = await authority.sign({ commonName: rootUser.name })
  const certificate = `cacert: ${authority.certFile}, cert: ${operator.certFile}, key: ${operator.keyFile}`
  const tlsUrls = [left, dying, etcdOf(leader)].map(({ tlsUrl }) => tlsUrl)

  await t.test('members tells that quorum is lost: exit 3', async (t) => {
    const at = await place(t, source(tlsUrls, certificate))
    let ended = await at.kpipe(['members', '--json'])
    // A follower takes a while to see that its leader is gone.
    for (let attempt = 0; ended.code === 0 && attempt < 20; attempt += 1) ended = await at.kpipe(['members', '--json'])
    t.match(ended, { code: 3, stderr: /quorum is lost/ })
    t.match(JSON.parse(ended.stdout), {
      quorum: 'lost',
      members: [
        { id: others[1]!.id, leader: false, errors: ['etcdserver: no leader'] },
        { id: others[0]!.id, name: others[0]!.name, endpoint: /./, leader: null, errors: [/refused/] },
        { id: leader.id, leader: null, errors: [/refused/] },
      ],
    })
  })

  await t.test('a client certificate gives what is left, marked, with exit code 3; it restores', async (t) => {
    for (const more of [certificate, `${certificate}, ${password}`]) {
      const at = await place(t, source(tlsUrls, more))
      const ended = await at.kpipe(['run', '--json'])
      t.equal(ended.code, 3, ended.stderr)
      t.match(lastLine(ended), { member: others[1]!.id, quorum: 'lost', attention: [/quorum was lost/] })
      t.match((await at.kpipe(['snapshots'])).stdout, /TAGS +NOTE\n.*quorum: lost\n$/)
      if (more !== certificate) continue
      t.equal(
        (await at.kpipe(['restore', 'latest', '--data-dir', 'data', '--name', 'm1', '--initial-cluster', 'm1=http://localhost:2380'])).code,
        0,
      )
      const restored = await startEtcd(binaries, { dataDir: at.at('data'), name: 'm1' })
      t.teardown(() => restored.stop())
      t.equal(await smallKeys(restored), before)
    }
  })

  await t.test('with a password alone there is none, and the ways that are left are named', async (t) => {
    const ended = await (await place(t, source([left.clientUrl], password))).kpipe(['run'])
    t.equal(ended.code, 69)
    t.match(
      ended.stderr,
      /user root gets no token.* a token needs quorum; without it there are the client certificate of a user with the role root, and the data directory of a member/,
    )
  })
})

/** Keys, values and revisions, as etcd's own client writes them. */
async function smallKeys(etcd: RunningEtcd): Promise<string> {
  const { kvs } = JSON.parse(await etcdctlAsRoot(etcd, 'get', 'k/', '--prefix', '-w', 'json')) as { kvs: readonly unknown[] }
  if (kvs.length !== 100) throw new Error(`there are ${kvs.length} keys`)
  return JSON.stringify(kvs)
}
