import { join } from 'node:path'
import t, { type Test } from 'tap'
import { hashKv, memoryPages, openBolt } from '../packages/bolt/src/index.ts'
import { certificateAuthority, type Certificate } from '../packages/stage-etcd/test/certificates.ts'
import { failureOf, reading } from '../packages/stage-etcd/test/reading.ts'
import { freePorts } from '../scripts/etcd/free-ports.ts'
import { getEtcd, type EtcdLine } from '../scripts/etcd/get-etcd.ts'
import { runTool } from '../scripts/etcd/run-tool.ts'
import { startEtcd, type RunningEtcd, type StartOptions } from '../scripts/etcd/start-etcd.ts'
import { enableAuth, rootUser } from '../scripts/etcd/users.ts'
import { loopbackEnv } from '../scripts/loopback-env.ts'
import { alone, restoreAndStart } from './support/etcd.ts'
import { serverContent, tokenOf, type ServerContent } from './support/gateway.ts'
import type { nodes } from './support/kpipe.ts'
import { etcdctl } from './support/member-state.ts'
import { mixedHistory } from './support/mixed-history.ts'
import { lastLine, place, type Place } from './support/place.ts'
import { tcpProxy } from './support/tcp-proxy.ts'

/** Every version of etcd, and the Node that its snapshots are taken with. */
const versions: readonly (readonly [line: EtcdLine, node: keyof typeof nodes])[] = [
  ['3.4', 26],
  ['3.5', 24],
  ['3.6', 26],
  ['3.7', 24],
]
const all = await Promise.all(versions.map(([version]) => getEtcd({ version })))
const folder = t.testdir()
const authority = await certificateAuthority(folder)
const stranger = await certificateAuthority(folder, 'another CA')
const server = await authority.sign({ commonName: 'server', names: ['127.0.0.1'] })
/** Users of etcd, by certificate or password. */
const [operator, reader, foreign] = await Promise.all([
  authority.sign({ commonName: 'operator' }),
  authority.sign({ commonName: 'reader' }),
  stranger.sign({ commonName: 'operator', file: 'foreign' }),
])
const root = { username: rootUser.name, password: rootUser.password }
const limited = { username: 'limited', password: 'limited-77aa' }
const tls = { certFile: server.certFile, keyFile: server.keyFile, trustedCaFile: authority.certFile }
const memberAlone = ['--name', 'm1', '--initial-cluster', 'm1=http://localhost:2380']
const refused = { code: 'KPIPE_SOURCE_REFUSED' }

for (const [index, [line, node]] of versions.entries()) {
  t.test(`etcd ${line}`, async (t) => {
    const binaries = all[index]!
    const dataDir = join(folder, line)
    const etcd = await startEtcd(binaries, { dataDir, tls, extraArgs: alone })
    t.teardown(() => etcd.stop())
    await mixedHistory(etcd)
    const plain = { endpoints: [etcd.clientUrl] }
    const as = ({ certFile: cert, keyFile: key }: Certificate) => ({ endpoints: [etcd.tlsUrl], cacert: authority.certFile, cert, key })
    const at = await place(t, sourceOf(plain))
    at.pipeline(sourceOf({ ...as(reader), ...root }), '', 'secured.yaml')
    const run = async (file: string) => {
      const ended = await at.kpipe(['run', file, '--json'], { node })
      if (ended.code !== 0) throw new Error(`run ${file} ended with ${ended.code}: ${ended.stderr}`)
      return lastLine(ended)
    }

    await t.test('without users, a snapshot comes over plain and over mutual TLS', async (t) => {
      t.match(await run('backup.yaml'), { trailer_verified: true, attention: [] })
      t.same((await read(as(reader))).warnings, [])
    })
    const open = await serverContent(etcd)
    t.ok(open.keys.length > 300 && open.leases.length === 2 && Object.keys(open.users).length === 1)

    await t.test('a learner gives one as well, or says that it does not', async (t) => {
      await withLearner(etcd, async (learner) => {
        if (line === '3.4') {
          const message = /it is a learner, and one of its version does not answer Snapshot: UNAVAILABLE "etcdserver: rpc not supported/
          t.match(await failureOf({ endpoints: [learner.clientUrl] }), { ...refused, message })
        } else t.same((await read({ endpoints: [learner.clientUrl] }, { learner: true })).warnings, [])
        const { warnings } = await read({ endpoints: [learner.clientUrl, etcd.clientUrl] }, { learner: line !== '3.4' })
        t.match(warnings, line === '3.4' ? [/^endpoint passed over: .*it is a learner/] : [])
      })
    })

    await enableAuth(etcd, { limited: { password: limited.password }, operator: { root: true }, reader: {} })
    await t.test('with users, a certificate, a password, and both give one', async (t) => {
      t.match(await run('secured.yaml'), { trailer_verified: true, attention: [] })
      for (const settings of [as(operator), { ...plain, ...root }, { ...as(operator), ...root }])
        t.same((await read(settings)).warnings, [])
    })
    await t.test('its member is listed with what it says of itself', async (t) => {
      const { quorum, members } = JSON.parse(await succeeded(at, ['members', '-c', 'secured.yaml', '--json']))
      const known = { name: 'm1', version: binaries.version, leader: true, learner: false, lag: 0, errors: [] }
      t.match(
        { quorum, members },
        { quorum: 'held', members: [{ ...known, id: /^[0-9a-f]{16}$/, db_size: Number, db_size_in_use: Number }] },
      )
    })
    const closed = await serverContent(etcd, rootUser)
    t.equal(Object.keys(closed.users).length, 5)

    await t.test('what it refuses is one sentence', async (t) => {
      const role = (who: string) => `${who} is not permitted to call Snapshot, which needs the role root: \\w+ ".*permission denied"$`
      const refusals: [object, string][] = [
        [as(reader), role('user reader \\(of the client certificate\\)')],
        [{ ...plain, ...limited }, role('user limited')],
        [{ ...as(operator), ...limited }, role('user limited')],
        [plain, 'authentication is on, and no user was given: \\w+ "\\w+: user name is empty"$'],
        [{ ...plain, ...root, password: 'hunter2' }, 'user root does not exist or has another password: \\w+ "[^"]*"$'],
        [{ endpoints: [etcd.tlsUrl], cacert: authority.certFile }, 'a client certificate is wanted, and none was given \\([a-z ]+\\)$'],
        [as(foreign), 'the client certificate is refused \\([a-z ]+\\): .*foreign\\.crt, CN=operator, signed by CN=another CA$'],
        [{ ...as(operator), cacert: stranger.certFile }, 'its certificate is signed by CN=test CA, which is no authority that .* trusts$'],
      ]
      for (const [settings, message] of refusals) {
        const failure = await failureOf(settings)
        t.match(failure, { ...refused, message: new RegExp(`^etcd at 127\\.0\\.0\\.1:\\d+: ${message}`) })
        t.notMatch(failure.message + JSON.stringify(failure.details), /hunter2|limited-77aa/)
      }
    })

    await t.test('a line under TLS that is cut, or stalls, is told with the bytes that came', async (t) => {
      const proxy = await tcpProxy(t, etcd.tlsUrl)
      const settings = { ...as(operator), endpoints: [`https://${proxy.address}`] }
      proxy.cutAfter(1 << 20)
      t.match(await failureOf(settings), { code: 'KPIPE_SOURCE_DIED', message: /connection .* after \d{6,7} of \d{7} bytes/ })
      t.equal(proxy.cut, 1)
      const held = proxy.holdAfter(1 << 20)
      t.match(await failureOf({ ...settings, idleTimeout: 1 }), {
        code: 'KPIPE_SOURCE_STALLED',
        message: /no progress within 1 s after/,
      })
      await held
    })

    const [first, second] = JSON.parse((await at.kpipe(['snapshots', '--json'])).stdout) as { id: string }[]
    for (const [what, { id }, content] of [
      ['without users', first!, open],
      ['with users', second!, closed],
    ] as const) {
      await t.test(`the snapshot ${what} restores to a file that every tool accepts, and etcd boots from`, async (t) => {
        const file = at.at(id)
        await succeeded(at, ['restore', id, '-to', file])
        await sameStatus(t, at, id, file)
        const restored = await restoreAndStart(binaries, file, { extraArgs: alone })
        await sameContent(t, restored, content)
      })
      await t.test(`the snapshot ${what} restores to a data directory that etcd boots from`, async (t) => {
        const made = at.at(`${id}.etcd`)
        await succeeded(at, ['restore', id, '--data-dir', made, '--no-bump', ...memberAlone])
        await sameContent(t, await startEtcd(binaries, { dataDir: made, extraArgs: alone }), content)
      })
    }

    await t.test("a file of etcd's own client is backed up, with the status that etcd gives it", async (t) => {
      await etcdctl(etcd, ['snapshot', 'save', at.at('saved')], `${root.username}:${root.password}`)
      at.pipeline(sourceOf({ path: 'saved' }, 'file'), '', 'saved.yaml')
      const { snapshot_id: id } = await run('saved.yaml')
      await sameStatus(t, at, String(id), at.at('saved'))
    })

    await t.test('stopped, its data directory gives one with the same history', async (t) => {
      await etcd.stop()
      const { bytes, warnings } = await read({ dataDir }, { member_name: 'm1', wal_writes_newer: 0 })
      t.match(warnings, line === '3.4' ? [/none of them a write/] : [])
      t.match(await hashKv(await openBolt(memoryPages(bytes))), closed.hashKv)
    })
  })
}

const sourceOf = (settings: object, use = 'etcd'): string => JSON.stringify({ use, with: settings })

/** Reads a snapshot to its end, and checks its trailer. */
async function read(
  settings: Parameters<typeof failureOf>[0],
  facts: object = {},
): Promise<{ warnings: readonly string[]; bytes: Buffer }> {
  const into = reading()
  const stream = await into.open(settings)
  try {
    const bytes = await into.all(stream)
    t.equal(bytes.length, stream.bytes)
    t.match(await stream.end(), { trailer_verified: settings.dataDir === undefined })
    t.match(stream.facts, facts)
    return { warnings: into.warnings, bytes }
  } finally {
    await stream.close()
  }
}

async function succeeded(at: Place, args: readonly string[]): Promise<string> {
  const ended = await at.kpipe(args)
  if (ended.code !== 0) throw new Error(`${args[0]} ended with ${ended.code}: ${ended.stderr}`)
  return ended.stdout
}

async function withLearner(etcd: RunningEtcd, use: (learner: RunningEtcd) => Promise<void>): Promise<void> {
  const peerUrl = `http://127.0.0.1:${(await freePorts(1))[0]}`
  const added = await etcdctl(etcd, ['member', 'add', 'm2', '--learner', `--peer-urls=${peerUrl}`])
  const [, id] = /Member +([0-9a-f]+) added/.exec(added)!
  const initial = /ETCD_INITIAL_CLUSTER="([^"]*)"/.exec(added)![1]
  const joining = ['--initial-cluster-state=existing', `--initial-cluster=${initial}`]
  const peer = [`--listen-peer-urls=${peerUrl}`, `--initial-advertise-peer-urls=${peerUrl}`]
  const options: StartOptions = { name: 'm2', extraArgs: [...alone, ...joining, ...peer] }
  const learner = await startEtcd(etcd.binaries, options)
  try {
    await use(learner)
  } finally {
    await learner.stop()
    await etcdctl(etcd, ['member', 'remove', id!])
  }
}

/** The tools of all versions say the same of a file, and kpipe says it of the snapshot. */
async function sameStatus(t: Test, at: Place, id: string, file: string): Promise<void> {
  const { totalKey, version, ...same } = JSON.parse(await succeeded(at, ['status', id, '-w', 'json'])) as Record<string, unknown>
  for (const { version: tool, etcdutl, etcdctl: older } of all) {
    const args = ['snapshot', 'status', file, '-w', 'json']
    const theirs = JSON.parse(await runTool(etcdutl ?? older, args, { env: { ...loopbackEnv(), ETCDCTL_API: '3' } })) as object
    // Up to 3.5, rows of all buckets are counted, and no version is told.
    t.match(theirs, /^3\.[45]\./.test(tool) ? same : { ...same, totalKey, version }, `by ${tool}`)
  }
}

/** Every key, lease, user and role, and the passwords. Stops the server. */
async function sameContent(t: Test, etcd: RunningEtcd, content: ServerContent): Promise<void> {
  try {
    const hasUsers = 'root' in content.users
    t.same(await serverContent(etcd, hasUsers ? rootUser : undefined), content)
    if (!hasUsers) return
    t.ok(await tokenOf(etcd, { name: limited.username, password: limited.password }))
    t.match(await failureOf({ endpoints: [etcd.clientUrl] }), { ...refused, message: /authentication is on/ })
  } finally {
    await etcd.stop()
  }
}
