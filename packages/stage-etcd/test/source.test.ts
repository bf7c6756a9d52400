import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { methods } from '../src/etcd-messages.ts'
import stages from '../src/index.ts'
import { source } from '../src/source.ts'
import { answerWith, blobMessage, fakeEtcd, framed, refuse, statusMessage, trailerOf, type FakeCall } from './fake-etcd.ts'
import { failureOf, reading } from './reading.ts'

const closedPort = '127.0.0.1:1'

t.test('the package offers the source, and its settings are a schema with descriptions', async (t) => {
  t.ok(stages.some((stage) => stage.kind === 'source'))
  t.equal(source.settings.additionalProperties, false)
  for (const [name, property] of Object.entries(source.settings.properties)) t.ok(property.description, name)
  const pattern = new RegExp(source.settings.properties.location.pattern ?? '')
  for (const location of ['etcd://a', 'etcd+http://a', 'http://a', 'etcd+https://a', 'https://a']) t.match(location, pattern)
  t.notMatch('etdc://a', pattern)
})

t.test('what a member says of itself becomes facts, the revision of Status not among them', async (t) => {
  const etcd = await fakeEtcd()
  t.teardown(() => etcd.close())
  const stream = await reading().open({ location: `etcd://${etcd.address}` })
  t.equal(stream.name, 'fedcba9876543210')
  t.equal(stream.member, '0123456789abcdef')
  t.equal(stream.bytes, 'database'.length + 32)
  t.strictSame(stream.facts, {
    cluster_id: 'fedcba9876543210',
    member_id: '0123456789abcdef',
    member_name: 'm1',
    endpoint: etcd.address,
    server_version: '3.6.16',
    storage_version_reported: '3.6.0',
    cluster_members: [
      { id: '0000000000000005', name: 'other', peer_urls: ['http://10.0.0.2:2380'] },
      { id: '0123456789abcdef', name: 'm1', peer_urls: ['http://10.0.0.1:2380', 'http://10.0.1.1:2380'] },
    ],
    leader: true,
    learner: false,
    raft_term: 7,
    raft_index: 100,
    raft_applied_index: 99,
    status_errors: ['etcdserver: no leader', 'memberID:1 alarm:NOSPACE '],
  })
  await stream.close()
})

t.test('after the last byte the trailer counts as verified, with the version that the server told', async (t) => {
  const etcd = await fakeEtcd()
  t.teardown(() => etcd.close())
  const into = reading()
  const stream = await into.open({ endpoints: [etcd.address] })
  await t.rejects(stream.end(), /after the last byte/)
  const bytes = await into.all(stream)
  t.ok(bytes.equals(Buffer.concat([Buffer.from('database'), trailerOf(Buffer.from('database'))])))
  t.strictSame(await stream.end(), { trailer_verified: true, snapshot_version: '3.6.0' })
  await stream.close()
  t.same(into.warnings, [])
})

t.test('a member that refuses the list of members gives a snapshot without its name', async (t) => {
  const etcd = await fakeEtcd({ memberList: refuse(9, 'etcdserver: rpc not supported for learner') })
  t.teardown(() => etcd.close())
  const into = reading()
  const stream = await into.open({ endpoints: [etcd.address] })
  t.equal(stream.facts.member_name, '')
  t.strictSame(stream.facts.cluster_members, [])
  await into.all(stream)
  await stream.close()
  t.match(into.warnings, [/FAILED_PRECONDITION "etcdserver: rpc not supported for learner"/])
})

t.test('endpoints are tried in order, the next when one is down, and that is told', async (t) => {
  const refusing = await fakeEtcd({ snapshot: refuse(14, 'etcdserver: server stopped') })
  const good = await fakeEtcd()
  const unused = await fakeEtcd()
  t.teardown(() => Promise.all([refusing.close(), good.close(), unused.close()]))
  const into = reading()
  const stream = await into.open({ endpoints: [closedPort, refusing.address, good.address, unused.address], location: 'etcd://nowhere' })
  t.equal(stream.facts.endpoint, good.address)
  t.equal(stream.bytes, (await into.all(stream)).length)
  await stream.close()
  t.match(into.warnings, [/127\.0\.0\.1:1: connection refused/, /UNAVAILABLE "etcdserver: server stopped"/])
  t.equal(refusing.played, 1)
  await refusing.letGo()
  t.same(unused.asked, [])
})

t.test('when no endpoint is of use, each is named with its reason', async (t) => {
  const refusing = await fakeEtcd({ snapshot: refuse(7, 'etcdserver: permission denied') })
  t.teardown(() => refusing.close())
  const failure = await failureOf({ endpoints: [closedPort, refusing.address] })
  t.match(failure, { code: 'KPIPE_SOURCE_UNREACHABLE', message: /none of 2 endpoints/ })
  t.match(failure.details.endpoints, [/127\.0\.0\.1:1: connection refused/, /not permitted to call Snapshot.*: PERMISSION_DENIED/])
  for (const part of ['127.0.0.1:1: connection refused', `${refusing.address}: a call without a user is not permitted`])
    t.ok(failure.message.includes(part), part)
  t.match(await failureOf({ endpoints: [closedPort] }), {
    code: 'KPIPE_SOURCE_UNREACHABLE',
    message: 'etcd at 127.0.0.1:1: connection refused',
  })
})

t.test('a failure in mid-stream does not go on with another endpoint', async (t) => {
  const dying = await fakeEtcd({
    async snapshot(call) {
      await call.write(framed(Buffer.from([0x10, 100])))
      call.session.socket.destroy()
    },
  })
  const other = await fakeEtcd()
  t.teardown(() => Promise.all([dying.close(), other.close()]))
  t.match(await failureOf({ endpoints: [dying.address, other.address] }), { code: 'KPIPE_SOURCE_DIED', message: /after 0 of 132 bytes/ })
  t.equal(dying.played, 1)
  t.same(other.asked, [])
})

t.test("etcd's refusals, in the words of 3.4 to 3.7, are refusals", async (t) => {
  const refusals: [number, string, string][] = [
    [2, 'auth: permission denied', 'a call without a user is not permitted to call Snapshot, which needs the role root'],
    [7, 'etcdserver: permission denied', 'a call without a user is not permitted to call Snapshot, which needs the role root'],
    [2, 'auth: user name is empty', 'authentication is on, and no user was given'],
    [3, 'etcdserver: user name is empty', 'authentication is on, and no user was given'],
    [9, 'etcdserver: rpc not supported for learner', 'Snapshot was refused'],
  ]
  for (const [code, text, words] of refusals) {
    const etcd = await fakeEtcd({ snapshot: refuse(code, text) })
    const failure = await failureOf({ endpoints: [etcd.address] })
    t.match(failure, { code: 'KPIPE_SOURCE_REFUSED' }, text)
    t.ok(failure.message.includes(words) && failure.message.includes(`"${text}"`), failure.message)
    t.equal(etcd.played, 1)
    await etcd.letGo()
    await etcd.close()
  }
})

t.test('a gRPC server that is not etcd is another protocol', async (t) => {
  const strange: [string, (call: FakeCall) => unknown, RegExp][] = [
    ['no such method', refuse(12, 'unknown service'), /UNIMPLEMENTED "unknown service"/],
    ['another message', answerWith(Buffer.from('not protobuf')), /cannot be decoded/],
    [
      'two answers',
      async (call) => (await call.write(Buffer.concat([framed(statusMessage()), framed(statusMessage())])), call.end()),
      /two answers/,
    ],
    ['no answer', (call) => call.end(), /Status ended without an answer/],
    [
      'a page',
      (call) => call.stream.respond({ ':status': 404, 'content-type': 'text/html' }, { endStream: true }),
      /HTTP status 404 with content type text\/html/,
    ],
    ['nothing but a status', (call) => call.stream.respond({ ':status': 200 }, { endStream: true }), /content type none/],
  ]
  for (const [what, status, seen] of strange) {
    const etcd = await fakeEtcd({ status })
    t.match(await failureOf({ endpoints: [etcd.address] }), { code: 'KPIPE_SOURCE_PROTOCOL', message: seen }, what)
    t.same(etcd.asked, [methods.status])
    await etcd.close()
  }
})

t.test('a question without an answer is given up, and so is a snapshot that does not begin', async (t) => {
  const mute = await fakeEtcd({ status: () => {} })
  const late = await fakeEtcd({ snapshot: () => {} })
  t.teardown(() => Promise.all([mute.close(), late.close()]))
  const failure = await failureOf({ endpoints: [mute.address], dialTimeout: 0.1 })
  t.match(failure, { code: 'KPIPE_SOURCE_STALLED', message: /Status has no answer within 0.1 s/ })
  const unbegun = await failureOf({ endpoints: [late.address], idleTimeout: 0.1 })
  t.match(unbegun, { code: 'KPIPE_SOURCE_STALLED', message: /Snapshot has no answer within 0.1 s/ })
  t.equal(late.played, 1)
})

/** Timeouts of ten minutes: what ends sooner did not end by them. */
const patient = { dialTimeout: 600, idleTimeout: 600 }

t.test('an abort lets go of the far end at once and shows its own reason', async (t) => {
  const plays: [string, (hold: (call: FakeCall) => void) => Parameters<typeof fakeEtcd>[0]][] = [
    ['waiting for Status', (hold) => ({ status: hold })],
    ['waiting for the snapshot to begin', (hold) => ({ snapshot: hold })],
  ]
  for (const [when, plan] of plays) {
    const { promise, resolve } = Promise.withResolvers<FakeCall>()
    const etcd = await fakeEtcd(plan(resolve))
    const abort = new AbortController()
    const failure = failureOf({ endpoints: [etcd.address, closedPort], ...patient }, reading(abort.signal))
    await promise
    abort.abort(new Error('the run ends'))
    t.match(await failure, { message: 'the run ends' }, when)
    await etcd.letGo()
    await etcd.close()
  }
  const already = AbortSignal.abort(new Error('ended before'))
  t.match(await failureOf({ endpoints: [closedPort] }, reading(already)), { message: 'ended before' })
})

t.test('an abort in mid-stream ends the reading with its own reason', async (t) => {
  const etcd = await fakeEtcd({ snapshot: (call) => call.write(blobMessage(100, Buffer.from('begin'))) })
  t.teardown(() => etcd.close())
  const abort = new AbortController()
  const into = reading(abort.signal)
  const stream = await into.open({ endpoints: [etcd.address], ...patient })
  const failure = await (async () => {
    for await (const piece of stream.read()) {
      into.take(piece)
      setImmediate(() => abort.abort(new Error('the run ends')))
    }
  })().catch((error: Error) => error)
  t.match(failure, { message: 'the run ends' })
  await etcd.letGo()
  await stream.close()
  t.equal(into.taken, 5)
})

t.test('close leaves nothing that keeps a process alive, and proxy variables play no part', async (t) => {
  const etcd = await fakeEtcd()
  t.teardown(() => etcd.close())
  const proxy = 'http://127.0.0.1:1'
  const env = { ...process.env, NODE_OPTIONS: '', NODE_USE_ENV_PROXY: '1', NO_PROXY: '', no_proxy: '' }
  for (const name of ['http_proxy', 'https_proxy', 'all_proxy', 'grpc_proxy'])
    Object.assign(env, { [name]: proxy, [name.toUpperCase()]: proxy })
  const script = fileURLToPath(import.meta.resolve('./read-once.ts'))
  const child = spawn(process.execPath, ['--conditions=kpipe-source', script, JSON.stringify({ endpoints: [etcd.address] })], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  const [code] = await once(child, 'close')
  t.equal(code, 0)
  t.match(JSON.parse(output), { bytes: 40, resources: [] })
  t.equal(etcd.played, 1)
})
