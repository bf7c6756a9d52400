import { randomBytes } from 'node:crypto'
import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { getEtcd } from '../scripts/etcd/get-etcd.ts'
import { writeKeys } from '../scripts/etcd/keys.ts'
import { runTool } from '../scripts/etcd/run-tool.ts'
import { startEtcd, type RunningEtcd } from '../scripts/etcd/start-etcd.ts'
import { loopbackEnv } from '../scripts/loopback-env.ts'
import { openChannel } from '../packages/stage-etcd/src/channel.ts'
import { parseEndpoint } from '../packages/stage-etcd/src/endpoint.ts'
import { decodeHashKv, encodeHashKvRequest, methods } from '../packages/stage-etcd/src/etcd-messages.ts'
import { ask } from '../packages/stage-etcd/src/unary.ts'
import { failureOf, reading } from '../packages/stage-etcd/test/reading.ts'
import { clone, nodes } from './support/kpipe.ts'

const lines = ['3.4', '3.6'] as const
const env = { ...loopbackEnv(), ETCDCTL_API: '3' }

async function started(t: Test, line: (typeof lines)[number], mebibytes: number): Promise<RunningEtcd> {
  const etcd = await startEtcd(await getEtcd({ version: line }))
  t.teardown(() => etcd.stop())
  // A request may have 1.5 MiB: values of 1 MiB, one at a time.
  for (let n = 0; n < mebibytes; n += 1) await writeKeys(etcd.clientUrl, [[`big/${n}`, randomBytes(1 << 20)]])
  await writeKeys(etcd.clientUrl, smallKeys(200))
  return etcd
}

function* smallKeys(count: number, prefix = 'k'): Generator<[string, Buffer]> {
  for (let n = 0; n < count; n += 1) yield [`${prefix}/${n}`, randomBytes(1 + (n % 3000))]
}

const etcdctl = (etcd: RunningEtcd, ...args: string[]): Promise<string> =>
  runTool(etcd.binaries.etcdctl, ['--endpoints', etcd.clientUrl, ...args], { env })

async function statusOf(etcd: RunningEtcd, file: string): Promise<{ hash: number; revision: number; totalSize: number }> {
  const tool = etcd.binaries.etcdutl ?? etcd.binaries.etcdctl
  return JSON.parse(await runTool(tool, ['snapshot', 'status', file, '-w', 'json'], { env }))
}

for (const line of lines) {
  t.test(`etcd ${line}: the stream is what etcdctl snapshot save writes`, async (t) => {
    const etcd = await started(t, line, 3)
    const into = reading()
    const stream = await into.open({ location: etcd.clientUrl })
    const bytes = await into.all(stream)
    t.match(await stream.end(), { trailer_verified: true, snapshot_version: line === '3.4' ? '' : '3.6.0' })
    await stream.close()

    const folder = t.testdir()
    const [ours, theirs] = [join(folder, 'ours'), join(folder, 'theirs')]
    await writeFile(ours, bytes)
    await etcdctl(etcd, 'snapshot', 'save', theirs)
    t.equal(bytes.length, stream.bytes)
    t.equal(bytes.length, (await stat(theirs)).size)
    t.same(await statusOf(etcd, ours), await statusOf(etcd, theirs))
    t.match(stream.facts, { server_version: etcd.binaries.version, member_name: 'm1', leader: true, learner: false, status_errors: [] })
    t.match(stream.facts.cluster_members, [{ id: stream.member, name: 'm1', peer_urls: [etcd.peerUrl] }])
    const [{ Status }] = JSON.parse(
      await etcdctl(etcd, 'endpoint', 'status', '-w', 'json').then((text) => text.replace(/:(\d{16,})/g, ':"$1"')),
    )
    t.equal(stream.name, BigInt(Status.header.cluster_id).toString(16).padStart(16, '0'))
    t.equal(stream.member, BigInt(Status.header.member_id).toString(16).padStart(16, '0'))
  })

  t.test(`etcd ${line}: writes that go on while the stream is read do not harm it`, async (t) => {
    const etcd = await started(t, line, 24)
    const into = reading()
    const stream = await into.open({ location: etcd.clientUrl })
    let rounds = 0
    for await (const piece of stream.read()) {
      into.take(piece)
      // Reads are held up by writes, so both surely go on at once.
      if (into.taken > rounds * (4 << 20)) await writeKeys(etcd.clientUrl, smallKeys(50, `meanwhile${rounds++}`))
    }
    await stream.end()
    await stream.close()
    t.ok(rounds >= 5)
    t.equal(into.taken, stream.bytes)
  })

  t.test(`etcd ${line}: killed in mid-stream, the stream died with so many bytes`, async (t) => {
    const etcd = await started(t, line, 24)
    const into = reading()
    const stream = await into.open({ location: etcd.clientUrl })
    const failure = await (async () => {
      for await (const piece of stream.read()) {
        if (into.taken === 0) {
          etcd.kill('SIGKILL')
          await etcd.exited
        }
        into.take(piece)
      }
    })().catch((error: Error) => error)
    await stream.close()
    t.match(failure, { code: 'KPIPE_SOURCE_DIED', details: { received_bytes: into.taken, expected_bytes: stream.bytes } })
    t.ok(into.taken > 0 && into.taken < Number(stream.bytes))
  })

  t.test(`etcd ${line}: frozen in mid-stream, the stream stalls and is let go`, async (t) => {
    const etcd = await started(t, line, 24)
    const into = reading()
    const stream = await into.open({ location: etcd.clientUrl, idleTimeout: 0.5 })
    const failure = await (async () => {
      for await (const piece of stream.read()) {
        if (into.taken === 0) etcd.kill('SIGSTOP')
        into.take(piece)
      }
    })().catch((error: Error) => error)
    await stream.close()
    t.match(failure, { code: 'KPIPE_SOURCE_STALLED', message: /no progress within 0.5 s/ })
    t.ok(into.taken < Number(stream.bytes))
  })

  t.test(`etcd ${line}: with auth on and no user it refuses, in its own words`, async (t) => {
    const etcd = await started(t, line, 0)
    await etcdctl(etcd, 'user', 'add', 'root:secret')
    await etcdctl(etcd, 'user', 'grant-role', 'root', 'root')
    await etcdctl(etcd, 'auth', 'enable')
    const failure = await failureOf({ location: etcd.clientUrl })
    t.match(failure, {
      code: 'KPIPE_SOURCE_REFUSED',
      message: /authentication is on, and no user was given: \w+ "\w+: user name is empty"/,
    })
  })

  t.test(`etcd ${line}: HashKV is asked for and read`, async (t) => {
    const etcd = await started(t, line, 0)
    const channel = await openChannel(parseEndpoint(etcd.clientUrl), { dialTimeoutMs: 5000, signal: new AbortController().signal })
    t.teardown(() => channel.close())
    const answer = await ask(channel, methods.hashKv, encodeHashKvRequest(0), decodeHashKv, 5000)
    const [{ HashKV }] = JSON.parse(await etcdctl(etcd, 'endpoint', 'hashkv', '-w', 'json'))
    t.equal(answer.hash, HashKV.hash)
    t.equal(answer.compactRevision, HashKV.compact_revision)
    t.equal(answer.hashRevision, line === '3.4' ? 0 : answer.header.revision)
  })
}

t.test('the first endpoint is down and the second gives the snapshot', async (t) => {
  const [down, up] = [await started(t, '3.6', 0), await started(t, '3.6', 0)]
  await down.stop()
  const into = reading()
  const stream = await into.open({ endpoints: [down.clientUrl, up.clientUrl] })
  await into.all(stream)
  await stream.close()
  t.equal(`http://${String(stream.facts.endpoint)}`, up.clientUrl)
  t.match(into.warnings, [/connection refused/])
})

t.test('the peer port of an etcd is not taken for its client port', async (t) => {
  const etcd = await started(t, '3.6', 0)
  t.match(await failureOf({ location: etcd.peerUrl }), { code: 'KPIPE_SOURCE_PROTOCOL' })
})

t.test('keys go through etcd3 on both Nodes: put, transaction, watch, lease', async (t) => {
  const etcd = await started(t, '3.6', 0)
  const script = `
    import { etcdClient, readKeys, writeKeys } from ${JSON.stringify(join(clone, 'scripts/etcd/keys.ts'))}
    const url = process.argv[1]
    const client = etcdClient(url)
    const watcher = await client.watch().key('etcd3/watched').create()
    const seen = new Promise((resolve) => watcher.once('put', (put) => resolve(put.value.toString())))
    await writeKeys(url, [['etcd3/a', Buffer.from('1')], ['etcd3/watched', Buffer.from('2')]])
    const lease = client.lease(60)
    await lease.put('etcd3/leased').value('3')
    const keys = await readKeys(url)
    console.log(JSON.stringify({ watched: await seen, keys: ['etcd3/a', 'etcd3/watched', 'etcd3/leased'].map((key) => String(keys.get(key)?.value)) }))
    await watcher.cancel()
    await lease.revoke()
    client.close()
  `
  for (const node of [24, 26] as const) {
    const args = ['-u', 'NODE_OPTIONS', nodes[node], '--conditions=kpipe-source', '--input-type=module', '-e', script, etcd.clientUrl]
    t.same(JSON.parse(await runTool('env', args, { env })), { watched: '2', keys: ['1', '2', '3'] }, `Node ${node}`)
  }
})
