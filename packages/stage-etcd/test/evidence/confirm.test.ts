import type { Facts } from '@kpipe/engine/contracts'
import t from 'tap'
import { methods } from '../../src/etcd-messages.ts'
import type { EtcdSettings } from '../../src/source.ts'
import { answerWith, fakeEtcd, hashKvMessage, refuse, statusMessage, type FakeEtcd, type FakeHashKv, type FakeStatus, type Play } from '../fake-etcd.ts' // prettier-ignore
import { reading } from '../reading.ts'

/** The fake's Status says 42. */
const own = { hash: 1234, hash_revision: 42, compact_revision: -1 }

type Members = readonly { readonly status?: FakeStatus; readonly hashKv?: Play }[]

interface Outcome {
  readonly facts: Facts
  /** Questions for HashKV of each. */
  readonly asked: readonly number[]
}

/** A stream of the first of these members, read to its end and confirmed. All connections are gone after that. */
async function confirmed(members: Members, settings: Partial<EtcdSettings> = {}, facts: Facts = { hash_kv: own }): Promise<Outcome> {
  const etcds: FakeEtcd[] = []
  try {
    for (const [index, { status, hashKv }] of members.entries())
      etcds.push(await fakeEtcd({ status: answerWith(statusMessage({ member: BigInt(index + 1), ...status })), ...(hashKv && { hashKv }) }))
    const into = reading()
    const endpoints = etcds.map(({ address }) => address)
    const stream = await into.open({ endpoints, member: endpoints[0], ...settings })
    try {
      await into.all(stream)
      const found = await stream.confirm!({ ...stream.facts, ...facts })
      return { facts: found, asked: etcds.map(({ asked }) => asked.filter((path) => path === methods.hashKv).length) }
    } finally {
      await stream.close()
      await Promise.all(etcds.map((etcd) => etcd.letGo()))
    }
  } finally {
    await Promise.all(etcds.map((etcd) => etcd.close()))
  }
}

const says = (hash: FakeHashKv): Play => answerWith(hashKvMessage(hash))

/** The answers one after the other, the last of them again and again. */
function inTurn(...plays: readonly Play[]): Play {
  let next = 0
  return (call) => plays[Math.min(next++, plays.length - 1)](call)
}

t.test('members with the hash of the snapshot agree, and each was asked once, while the stream flowed', async (t) => {
  const { facts, asked } = await confirmed([{}, {}, {}])
  t.match(facts, { evidence: 'agreed' })
  t.match(facts['hash_kv_members'], [
    { id: '0000000000000001', hash: 1234, hash_revision: 42, compact_revision: -1, error: null },
    { id: '0000000000000002', hash: 1234, error: null },
    { id: '0000000000000003', hash: 1234, error: null },
    { id: '0000000000000005', name: 'other', endpoint: null, hash: null, error: 'no endpoint leads to it' },
    { id: '0123456789abcdef', error: 'no endpoint leads to it' },
  ])
  t.same(asked, [1, 1, 1])
})

t.test('who opens a stream and reads nothing of it has no member work', async (t) => {
  const etcd = await fakeEtcd()
  t.teardown(() => etcd.close())
  await (await reading().open({ endpoints: [etcd.address] })).close()
  t.ok(etcd.asked.includes(methods.snapshot))
  t.notOk(etcd.asked.includes(methods.hashKv))
})

t.test('a snapshot that was taken at another revision than was guessed is asked for again', async (t) => {
  const later = says({ hashRevision: 43 })
  const { facts, asked } = await confirmed(
    [{ hashKv: later }, { hashKv: inTurn(says({}), later) }],
    {},
    { hash_kv: { ...own, hash_revision: 43 } },
  )
  t.match(facts, { evidence: 'agreed' })
  t.same(asked, [2, 2])
})

t.test('a different hash at the same compaction disputes the snapshot', async (t) => {
  const { facts } = await confirmed([{}, { hashKv: says({ hash: 99 }) }])
  t.match(facts, { evidence: 'disputed', evidence_note: /is 1234 in the snapshot, as .* has; .* has 99/ })
})

t.test('another compaction is not compared: asked again when it lags, left alone when it is ahead', async (t) => {
  const compacted = { hash_kv: { ...own, compact_revision: 30 } }
  const equal = says({ compactRevision: 30 })
  const caughtUp = await confirmed([{ hashKv: equal }, { hashKv: inTurn(says({ hash: 8, compactRevision: 20 }), equal) }], {}, compacted)
  t.match(caughtUp, { facts: { evidence: 'agreed' }, asked: [1, 2] })
  const behind = await confirmed([{ hashKv: equal }, { hashKv: says({ hash: 8, compactRevision: 20 }) }], {}, compacted)
  t.match(behind, { facts: { evidence: 'agreed', evidence_note: /compacted up to 20, the snapshot up to 30/ }, asked: [1, 2] })
  const ahead = says({ hash: 8, compactRevision: 35 })
  t.match(await confirmed([{ hashKv: ahead }, { hashKv: ahead }], {}, compacted), {
    facts: { evidence: 'none', evidence_note: /compacted up to 35, the snapshot up to 30/ },
    asked: [1, 1],
  })
})

t.test('a revision that a member has compacted, or has not applied yet, is no dispute', async (t) => {
  const gone = refuse(11, 'etcdserver: mvcc: required revision has been compacted')
  const coming = refuse(11, 'etcdserver: mvcc: required revision is a future revision')
  const { facts, asked } = await confirmed([{}, { hashKv: gone }, { hashKv: coming }, { hashKv: inTurn(coming, says({})) }])
  t.match(facts, { evidence: 'agreed' })
  t.match(facts['hash_kv_members'], [
    { hash: 1234 },
    { error: 'it has compacted revision 42' },
    { error: 'it has not applied revision 42 yet' },
    { hash: 1234 },
  ])
  t.same(asked, [1, 1, 2, 2])
})

t.test('a learner is not asked, and one that became one refuses: neither says anything against the snapshot', async (t) => {
  const refusing = refuse(9, 'etcdserver: rpc not supported for learner')
  const { facts, asked } = await confirmed([{}, { status: { learner: true } }, { hashKv: refusing }])
  t.match(facts, { evidence: 'agreed' })
  const error = 'a learner does not answer HashKV'
  t.match(facts['hash_kv_members'], [{ hash: 1234 }, { error }, { error }])
  t.same(asked, [1, 0, 1])
  t.match((await confirmed([{ status: { learner: true } }])).facts, { evidence: 'none', evidence_note: /a learner does not answer/ })
})

t.test('members before 3.6 do not say what they hashed, and before 3.5.16 count a tombstone where no key is left', async (t) => {
  const old = { status: { version: '3.5.15' }, hashKv: says({ hash: 77, hashRevision: 0 }) }
  t.match((await confirmed([{}, old])).facts, { evidence: 'disputed' })
  const { facts } = await confirmed([{}, old], {}, { hash_kv: { ...own, hash_before_3_5_16: 77 } })
  t.match(facts, { evidence: 'agreed', hash_kv_members: [{ hash_revision: 42 }, { hash: 77, hash_revision: null }] })
})

t.test('refusals and silence are told and decide nothing', async (t) => {
  const refusing = refuse(7, 'etcdserver: permission denied')
  const { facts } = await confirmed([{ hashKv: refusing }, { hashKv: () => new Promise(() => {}) }, {}], { dialTimeout: 0.5 })
  t.match(facts, { evidence: 'agreed' })
  t.match(facts['hash_kv_members'], [
    { hash: null, error: /a call without a user is not permitted to call HashKV/ },
    { error: 'HashKV has no answer within 0.5 s' },
    { hash: 1234 },
  ])
})

t.test('a connection that was lost since is made again', async (t) => {
  const dropped: Play = (call) => call.session.socket.destroy()
  const { facts, asked } = await confirmed([{}, { hashKv: inTurn(dropped, says({})) }, { hashKv: dropped }])
  t.same(asked, [1, 2, 2])
  t.match(facts['hash_kv_members'], [{ hash: 1234 }, { hash: 1234 }, { hash: null, error: /HashKV has no answer/ }])
})

t.test('an endpoint that is down is named with its reason', async (t) => {
  const etcd = await fakeEtcd()
  t.teardown(() => etcd.close())
  const into = reading()
  const stream = await into.open({ endpoints: ['127.0.0.1:1', etcd.address] })
  await into.all(stream)
  const facts = await stream.confirm!({ hash_kv: own })
  await stream.close()
  t.match(facts, {
    evidence: 'agreed',
    hash_kv_members: [{ name: 'm1' }, { endpoint: '127.0.0.1:1', error: /connection refused/ }, { name: 'other' }],
  })
})

t.test('without HashKV of the snapshot, and with evidence off, nobody is compared', async (t) => {
  t.match((await confirmed([{}], {}, { hash_kv: null })).facts, { evidence: 'none', evidence_note: 'HashKV of the snapshot is not known' })
  const off = await confirmed([{}, {}], { evidence: 'off' })
  t.match(off, { facts: { evidence: 'none', evidence_note: 'nobody was asked', hash_kv_members: [] }, asked: [0, 0] })
})

t.test('evidence that is required has to be there, and undisputed', async (t) => {
  const required = { evidence: 'required' } as const
  t.match((await confirmed([{}], required)).facts, { evidence: 'agreed' })
  await t.rejects(confirmed([{}, { hashKv: says({ hash: 99 }) }], required), {
    code: 'KPIPE_EVIDENCE_MISSING',
    message: /^the members of etcd disagree: HashKV at revision 42, never compacted, is 1234 in the snapshot/,
  })
  await t.rejects(confirmed([{ status: { learner: true } }], required), {
    code: 'KPIPE_EVIDENCE_MISSING',
    message: /^no member of etcd confirms the snapshot: .*a learner/,
  })
})
