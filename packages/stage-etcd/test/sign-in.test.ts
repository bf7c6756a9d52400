import t from 'tap'
import { methods } from '../src/etcd-messages.ts'
import { encodeField } from '../src/protobuf.ts'
import {
  answerWith,
  fakeEtcd,
  hashKvMessage,
  memberListMessage,
  playSnapshot,
  refuse,
  statusMessage,
  type FakeEtcd,
  type Play,
} from './fake-etcd.ts'
import { failureOf, reading } from './reading.ts'

const user = { username: 'kpipe', password: 'hunter2' }
const token = (text: string): Play => answerWith(encodeField(2, text))
const askedFor = (etcd: FakeEtcd, method: string) => etcd.asked.filter((path) => path === method).length

/** An etcd that takes tokens of at least this number and gives out the next one each time it is asked. */
async function tokens(firstValid: number, forget?: { readonly before: string }): Promise<FakeEtcd & { readonly refused: number }> {
  let [given, valid, refused] = [0, firstValid, 0]
  let forgotten = false
  const guarded =
    (path: string, play: Play): Play =>
    (call) => {
      if (path === forget?.before && !forgotten) {
        forgotten = true
        valid = given + 1
      }
      if (Number(String(call.headers['token'] ?? 't0').slice(1)) >= valid) return play(call)
      refused += 1
      return refuse(16, 'etcdserver: invalid auth token')(call)
    }
  const etcd = await fakeEtcd({
    authenticate: (call) => token(`t${(given += 1)}`)(call),
    status: guarded(methods.status, answerWith(statusMessage())),
    memberList: guarded(methods.memberList, answerWith(memberListMessage())),
    snapshot: guarded(methods.snapshot, playSnapshot(Buffer.from('database'))),
    hashKv: guarded(methods.hashKv, answerWith(hashKvMessage())),
  })
  return Object.defineProperty(etcd as FakeEtcd & { refused: number }, 'refused', { get: () => refused })
}

t.test('a user gets one token, and all calls carry it', async (t) => {
  const etcd = await tokens(1)
  t.teardown(() => etcd.close())
  const into = reading()
  const stream = await into.open({ endpoints: [etcd.address], ...user, evidence: 'off' })
  t.equal((await into.all(stream)).length, 40)
  await stream.close()
  t.same(etcd.asked, [methods.authenticate, methods.status, methods.memberList, methods.snapshot])
  t.equal(etcd.refused, 0)
  t.same(into.warnings, [])
})

for (const before of [methods.status, methods.memberList, methods.snapshot]) {
  t.test(`a token that is refused for ${before} is renewed`, async (t) => {
    const etcd = await tokens(1, { before })
    t.teardown(() => etcd.close())
    const into = reading()
    const stream = await into.open({ endpoints: [etcd.address], ...user, evidence: 'off' })
    t.equal((await into.all(stream)).length, 40)
    await stream.close()
    t.equal(etcd.refused, 1)
    t.equal(askedFor(etcd, methods.authenticate), 2)
    t.equal(stream.facts.member_name, 'm1')
    t.same(into.warnings, [])
  })
}

t.test('a token that is refused when a member is to confirm the snapshot is renewed', async (t) => {
  const etcd = await tokens(1, { before: methods.hashKv })
  t.teardown(() => etcd.close())
  const into = reading()
  const stream = await into.open({ endpoints: [etcd.address], ...user })
  await into.all(stream)
  t.match(await stream.confirm!({ hash_kv: { hash: 1234, hash_revision: 42, compact_revision: -1 } }), { evidence: 'agreed' })
  await stream.close()
  t.ok(etcd.refused > 0)
})

t.test('a new token that is refused as well is not renewed again, and shows in no message', async (t) => {
  const etcd = await tokens(Infinity)
  t.teardown(() => etcd.close())
  const into = reading()
  const failure = await failureOf({ endpoints: [etcd.address], ...user }, into)
  t.match(failure, {
    code: 'KPIPE_SOURCE_REFUSED',
    message: /the token of user kpipe was refused, also a new one: UNAUTHENTICATED "etcdserver: invalid auth token"/,
  })
  t.equal(askedFor(etcd, methods.snapshot), 2)
  t.notMatch(JSON.stringify([failure.message, failure.details, into.warnings]), /hunter2|"t\d/)
})

t.test('a wrong password is told with the user and without the password', async (t) => {
  const etcd = await fakeEtcd({ authenticate: refuse(3, 'etcdserver: authentication failed, invalid user ID or password') })
  t.teardown(() => etcd.close())
  const failure = await failureOf({ endpoints: [etcd.address], ...user })
  t.match(failure, { code: 'KPIPE_SOURCE_REFUSED', message: /user kpipe does not exist or has another password/ })
  t.notMatch(JSON.stringify([failure.message, failure.details]), /hunter2/)
  t.same(etcd.asked, [methods.authenticate])
  await etcd.letGo()
})

t.test('a token that lacks nothing but a leader is told as such, with the ways that are left', async (t) => {
  const timedOut = refuse(14, 'etcdserver: request timed out')
  const leaderless = await fakeEtcd({
    authenticate: timedOut,
    status: (call) => refuse(14, call.headers['hasleader'] === 'true' ? 'etcdserver: no leader' : 'asked otherwise')(call),
  })
  const led = await fakeEtcd({ authenticate: timedOut })
  t.teardown(() => Promise.all([leaderless.close(), led.close()]))
  t.match(await failureOf({ endpoints: [leaderless.address], ...user }), {
    code: 'KPIPE_SOURCE_REFUSED',
    message: /user kpipe gets no token, .* the member has no leader; a token needs quorum; .* client certificate .* data directory/,
  })
  t.match(await failureOf({ endpoints: [led.address], ...user }), { code: 'KPIPE_SOURCE_UNREACHABLE', message: /request timed out/ })
  await Promise.all([leaderless.letGo(), led.letGo()])
})

t.test('where authentication is off, that is told and the snapshot taken', async (t) => {
  const etcd = await fakeEtcd()
  t.teardown(() => etcd.close())
  const into = reading()
  const stream = await into.open({ endpoints: [etcd.address], ...user })
  t.equal((await into.all(stream)).length, 40)
  await stream.close()
  t.match(into.warnings, [/has no authentication: user kpipe is not used/])
})

t.test('a member that refuses its state gives a snapshot, its ids from the list of members', async (t) => {
  const etcd = await fakeEtcd({ status: refuse(7, 'etcdserver: permission denied') })
  t.teardown(() => etcd.close())
  const into = reading()
  const stream = await into.open({ endpoints: [etcd.address] })
  t.match([stream.name, stream.member], ['fedcba9876543210', '0123456789abcdef'])
  t.notOk('server_version' in stream.facts)
  t.equal((await into.all(stream)).length, 40)
  await stream.close()
  t.match(into.warnings, [/state of the member is not known: .* not permitted to call Status/])
})

t.test('a member that refuses all but the snapshot goes by its address', async (t) => {
  const refused = refuse(7, 'etcdserver: permission denied')
  const etcd = await fakeEtcd({ status: refused, memberList: refused })
  t.teardown(() => etcd.close())
  const stream = await reading().open({ endpoints: [etcd.address] })
  t.equal(stream.name, etcd.address)
  t.equal(stream.member, '')
  await stream.close()
})

t.test('one of user and password alone is a fault of the pipeline', async (t) => {
  const endpoints = ['127.0.0.1:1']
  t.match(await failureOf({ endpoints, username: 'kpipe' }), { code: 'KPIPE_PIPELINE_INVALID', message: /username without password/ })
  t.match(await failureOf({ endpoints, password: 'hunter2' }), { code: 'KPIPE_PIPELINE_INVALID', message: /password without username/ })
  t.match(await failureOf({ endpoints, username: 'kpipe', password: '' }), { code: 'KPIPE_PIPELINE_INVALID', message: /an empty password/ })
})

t.test('a token that would not fit into a header is another protocol', async (t) => {
  const etcd = await fakeEtcd({ authenticate: token('t\r\nx: y') })
  t.teardown(() => etcd.close())
  t.match(await failureOf({ endpoints: [etcd.address], ...user }), { code: 'KPIPE_SOURCE_PROTOCOL', message: /token that is no text/ })
})
