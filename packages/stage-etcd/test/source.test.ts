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
      { id: '0000000000000005', name: 'other', peer_urls: ['http://10.0.0.2:2380'], learner: false },
      { id: '0123456789abcdef', name: 'm1', peer_urls: ['http://10.0.0.1:2380', 'http://10.0.1.1:2380'], learner: false },
    ],
    leader: true,
    learner: false,
    raft_term: 7,
    raft_index: 100,
    raft_applied_index: 99,
    status_errors: ['etcdserver: no leader', 'memberID:1 alarm:NOSPACE '],
    alarms: [{ member_id: '0000000000000001', alarm: 'NOSPACE' }],
    quorum: 'held',
    choice: { reasons: ['leader'], others: [], started_over: 0 },
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

t.test('all endpoints are asked for their state, and one that is down or gives no snapshot is passed over, and told', async (t) => {
  const refusing = await fakeEtcd({
    status: answerWith(statusMessage({ member: 1n })),
    snapshot: refuse(14, 'etcdserver: server stopped'),
  })
  const good = await fakeEtcd({ status: answerWith(statusMessage({ member: 2n })) })
  const leader = await fakeEtcd()
  t.teardown(() => Promise.all([refusing.close(), good.close(), leader.close()]))
  const into = reading()
  const stream = await into.open({ endpoints: [closedPort, leader.address, refusing.address, good.address], location: 'etcd://nowhere' })
  t.equal(stream.facts.endpoint, good.address)
  t.match(stream.facts.choice, {
    reasons: ['follower'],
    others: [
      { endpoint: refusing.address, reasons: ['follower'] },
      { endpoint: leader.address, reasons: ['leader'] },
      { endpoint: closedPort, reasons: [/connection refused/] },
    ],
  })
  t.equal(stream.bytes, (await into.all(stream)).length)
  await stream.close()
  t.match(into.warnings, [/127\.0\.0\.1:1: connection refused/, /UNAVAILABLE "etcdserver: server stopped"/])
  t.equal(refusing.played, 1)
  await Promise.all([refusing.letGo(), leader.letGo()])
  t.same(leader.asked, [methods.status, methods.memberList, methods.hashKv])
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

t.test('where a stream breaks, another member gives one from its beginning, as long as there are others', async (t) => {
  const dyingAs = (member: bigint) =>
    fakeEtcd({
      status: answerWith(statusMessage({ member })),
      async snapshot(call) {
        await call.write(framed(Buffer.from([0x10, 100])))
        call.session.socket.destroy()
      },
    })
  const [first, second, leader] = [await dyingAs(1n), await dyingAs(2n), await fakeEtcd()]
  t.teardown(() => Promise.all([first.close(), second.close(), leader.close()]))
  let into = reading()
  let stream = await into.open({ endpoints: [leader.address, first.address, second.address] })
  for (const dying of [first, second]) {
    t.equal(stream.facts.endpoint, dying.address)
    await t.rejects(into.all(stream), { code: 'KPIPE_SOURCE_DIED', message: /after 0 of 132 bytes/ })
    await stream.close()
    t.equal(dying.played, 1)
    into = reading()
    stream = await stream.elsewhere!(into)
  }
  t.equal(stream.facts.endpoint, leader.address)
  t.match(stream.facts.choice, { started_over: 2 })
  t.match(into.warnings, [/member passed over: .*: it failed in mid-stream/, /it failed in mid-stream/])
  t.equal((await into.all(stream)).length, 40)
  t.equal(stream.elsewhere, undefined)
  await stream.close()
})

t.test('the member of the newest snapshot under the name of the cluster goes before its equals', async (t) => {
  const [first, second] = [await fakeEtcd({ status: answerWith(statusMessage({ member: 1n })) }), await fakeEtcd({ status: answerWith(statusMessage({ member: 2n })) })] // prettier-ignore
  t.teardown(() => Promise.all([first.close(), second.close()]))
  const into = reading()
  const asked: string[] = []
  const explained: string[] = []
  const stream = await source.open(
    { endpoints: [first.address, second.address], dialTimeout: 5, idleTimeout: 5, maxLag: 1000, evidence: 'asked' },
    {
      ...into,
      signal: into.signal,
      previousMember: (name) => (asked.push(name), '0000000000000002'),
      explain: (text) => void explained.push(text),
    },
  )
  await stream.close()
  t.equal(stream.member, '0000000000000002')
  t.same(asked, ['fedcba9876543210'])
  t.same(explained, [`member: ${second.address}: follower, the newest snapshot is of it`, `not taken: ${first.address}: follower`])
})

t.test('without any leader the member that has applied most is taken, as without quorum', async (t) => {
  const behind = await fakeEtcd({ status: answerWith(statusMessage({ member: 1n, leader: 0n, applied: 90n })) })
  const ahead = await fakeEtcd({ status: answerWith(statusMessage({ member: 2n, leader: 0n })) })
  t.teardown(() => Promise.all([behind.close(), ahead.close()]))
  const into = reading()
  const stream = await into.open({ endpoints: [behind.address, ahead.address] })
  await stream.close()
  t.match(stream.facts, { endpoint: ahead.address, quorum: 'lost' })
  t.match(stream.facts.choice, { reasons: [/no member has a leader; it has applied entry 99/] })
  t.equal(ahead.asked.filter((path) => path === methods.status).length, 5, 'an election was waited for')
})

t.test('a member that is named is taken, by name, id or address, and no other', async (t) => {
  const other = await fakeEtcd({ status: answerWith(statusMessage({ member: 5n })) })
  const named = await fakeEtcd()
  t.teardown(() => Promise.all([other.close(), named.close()]))
  const endpoints = [other.address, named.address]
  for (const member of ['m1', '123456789abcdef', named.address]) {
    const stream = await reading().open({ endpoints, member })
    await stream.close()
    t.equal(stream.facts.endpoint, named.address, member)
    t.equal(stream.elsewhere, undefined)
  }
  const failure = await failureOf({ endpoints: [...endpoints, closedPort], member: 'm4' })
  t.match(failure, {
    code: 'KPIPE_SOURCE_UNREACHABLE',
    message: /no endpoint leads to the member m4; there are: other 0+5 .*; m1 0123.*connection refused/,
  })
})

t.test('members with an alarm of corruption give no snapshot, unless one is named', async (t) => {
  const etcd = await fakeEtcd({ status: answerWith(statusMessage({ alarm: 'memberID:81985529216486895  alarm:CORRUPT ' })) })
  t.teardown(() => etcd.close())
  const endpoints = [etcd.address]
  t.match(await failureOf({ endpoints }), { code: 'KPIPE_SOURCE_CORRUPT', message: /there is an alarm that it is corrupt/ })
  t.notOk(etcd.asked.includes(methods.snapshot))
  const into = reading()
  await (await into.open({ endpoints, member: 'm1' })).close()
  t.match(into.warnings, [/m1 at .* is taken as it is named, though there is an alarm that it is corrupt/])
})

t.test('endpoints of two clusters are refused', async (t) => {
  const [one, other] = [await fakeEtcd(), await fakeEtcd({ status: answerWith(statusMessage({ member: 5n, cluster: 7n })) })]
  t.teardown(() => Promise.all([one.close(), other.close()]))
  const failure = await failureOf({ endpoints: [one.address, other.address] })
  t.match(failure, { code: 'KPIPE_PIPELINE_INVALID', message: /lead to different clusters: .* is of fedcba9876543210, .* is of 0+7/ })
  await Promise.all([one.letGo(), other.letGo()])
})

t.test('members are listed with those that no endpoint leads to', async (t) => {
  const etcd = await fakeEtcd({ status: answerWith(statusMessage({ inUse: 4096n })) })
  t.teardown(() => etcd.close())
  const list = (endpoints: string[]) =>
    source.members!(
      { endpoints, dialTimeout: 5, idleTimeout: 5, maxLag: 1000, evidence: 'asked' },
      { signal: AbortSignal.timeout(60_000), warn: () => {} },
    )
  t.match(await list([closedPort, etcd.address]), {
    quorum: 'held',
    members: [
      {
        id: '0123456789abcdef',
        name: 'm1',
        endpoint: etcd.address,
        version: '3.6.16',
        size: 20480,
        inUse: 4096,
        leader: true,
        learner: false,
        lag: 1,
        errors: ['etcdserver: no leader', 'memberID:1 alarm:NOSPACE'],
      },
      { id: undefined, endpoint: closedPort, errors: [/connection refused/] },
      { id: '0000000000000005', name: 'other', endpoint: undefined, errors: [/no endpoint/] },
    ],
  })
  await etcd.letGo()
  await t.rejects(list([closedPort]), { code: 'KPIPE_SOURCE_UNREACHABLE' })
})

t.test("etcd's refusals, in the words of 3.4 to 3.7, are refusals", async (t) => {
  const refusals: [number, string, string][] = [
    [2, 'auth: permission denied', 'a call without a user is not permitted to call Snapshot, which needs the role root'],
    [7, 'etcdserver: permission denied', 'a call without a user is not permitted to call Snapshot, which needs the role root'],
    [2, 'auth: user name is empty', 'authentication is on, and no user was given'],
    [3, 'etcdserver: user name is empty', 'authentication is on, and no user was given'],
    [2, 'auth: invalid auth token', 'the token of nobody was refused, also a new one'],
    [16, 'etcdserver: invalid auth token', 'the token of nobody was refused, also a new one'],
    [9, 'etcdserver: rpc not supported for learner', 'it is a learner, and one of its version does not answer Snapshot'],
    [14, 'etcdserver: rpc not supported for learner', 'it is a learner, and one of its version does not answer Snapshot'],
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
