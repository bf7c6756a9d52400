import t from 'tap'
import type { StatusResponse } from '../../src/etcd-messages.ts'
import { chooseMember, lagOf, type Candidate, type Preference } from '../../src/members/choose.ts'

const id = (n: number) => n.toString(16).padStart(16, '0')

/** Member `n` at `host-n`; 1 is the leader unless said otherwise. */
function member(n: number, status: Partial<StatusResponse> = {}): Candidate {
  const told: StatusResponse = {
    header: { clusterId: id(99), memberId: id(n), revision: 1, raftTerm: 2 },
    version: '3.6.16',
    dbSizeBytes: 1,
    dbSizeInUseBytes: 1,
    leaderId: id(1),
    raftIndex: 5000,
    raftTerm: 2,
    raftAppliedIndex: 5000,
    errors: [],
    isLearner: false,
    storageVersion: '3.6.0',
    ...status,
  }
  return { endpoint: `host-${n}`, name: `m${n}`, status: told }
}
const silent: Candidate = { endpoint: 'host-9', name: '', status: undefined }

function chosen(candidates: readonly Candidate[], preference: Partial<Preference> = {}) {
  const { fit, unfit, quorum } = chooseMember(candidates, { maxLag: 1000, ...preference })
  const names = (judged: typeof fit) => judged.map(({ candidate }) => candidate.endpoint.replace('host-', '')).join(' ')
  return { fit: names(fit), unfit: names(unfit), quorum, why: fit[0]?.reasons, whyNot: unfit.map(({ reasons }) => reasons.join()) }
}

t.test('followers and learners come before the leader, a learner first, and equals in the order of the endpoints', async (t) => {
  t.match(chosen([member(1), member(2), member(3)]), { fit: '2 3 1', unfit: '', quorum: 'held', why: ['follower'] })
  t.match(chosen([member(1), member(2), member(3, { isLearner: true })]), { fit: '3 2 1', why: ['learner'] })
  t.match(chosen([member(1)]), { fit: '1', why: ['leader'] })
})

t.test('among those that are no leader, the member of the newest snapshot comes first', async (t) => {
  const members = [member(1), member(2), member(3), member(4, { isLearner: true })]
  t.match(chosen(members, { previousMember: id(3) }), { fit: '3 4 2 1', why: ['follower', 'the newest snapshot is of it'] })
  t.match(chosen(members, { previousMember: id(1) }), { fit: '4 2 3 1' })
})

t.test('a member that is corrupt, has no leader, or lags is never taken', async (t) => {
  const lagging = (by: number) => member(2, { raftAppliedIndex: 5000 - by })
  t.match(chosen([lagging(1000), member(1)]), { fit: '2 1' })
  t.match(chosen([lagging(1001), member(1)]), { fit: '1', unfit: '2', whyNot: ['it is 1001 entries behind'] })
  t.match(chosen([lagging(11), member(1)], { maxLag: 10 }), { fit: '1', unfit: '2' })
  t.match(chosen([member(1, { raftAppliedIndex: 3000 })]), { fit: '', unfit: '1' }, 'by what it knows itself')
  t.match(chosen([member(2, { leaderId: id(0) }), member(1)]), { fit: '1', unfit: '2', quorum: 'held', whyNot: ['it has no leader'] })
  t.equal(lagOf(lagging(7).status!, [lagging(7), member(1)]), 7)
})

t.test('an alarm of corruption is about the member that it names, whoever tells it', async (t) => {
  const told = (...errors: string[]) => [member(1, { errors }), member(2, { errors }), member(3)]
  for (const alarm of ['memberID:2 alarm:CORRUPT ', 'memberID:2  alarm:CORRUPT'])
    t.match(chosen(told(alarm)), { fit: '3 1', unfit: '2', whyNot: ['there is an alarm that it is corrupt'] })
  t.match(chosen(told('memberID:2 alarm:NOSPACE ')), { fit: '2 3 1' })
  t.match(chosen(told('alarm:CORRUPT ')), { fit: '', unfit: '1 2 3' }, 'of nobody in particular')
  t.match(chosen([...told('memberID:1 alarm:CORRUPT '), member(4, { raftIndex: 4000, raftAppliedIndex: 4000 })]), { fit: '2 3 4' })
})

t.test('where none has a leader, the one that has applied most is taken', async (t) => {
  const alone = (n: number, raftAppliedIndex: number, more: Partial<StatusResponse> = {}) => member(n, { leaderId: id(0), raftAppliedIndex, ...more }) // prettier-ignore
  const lost = chosen([silent, alone(1, 10), alone(2, 12), alone(3, 12)])
  t.match(lost, { fit: '2 3 1 9', quorum: 'lost', why: [/no member has a leader; it has applied entry 12/] })
  t.match(chosen([alone(1, 10), alone(2, 12, { errors: ['memberID:2 alarm:CORRUPT '] })]), { fit: '1', unfit: '2', quorum: 'lost' })
})

t.test('one that does not tell its state comes last', async (t) => {
  t.match(chosen([silent, member(1), member(2)]), { fit: '2 1 9' })
  t.match(chosen([silent]), { fit: '9', quorum: 'unknown', why: ['its state is not known'] })
})

t.test('one whose stream broke is not taken again, and still counts for the others', async (t) => {
  const members = [member(1), member(2, { raftIndex: 9000, raftAppliedIndex: 9000 }), member(3)]
  t.match(chosen(members, { failed: ['host-2'], maxLag: 5000 }), { fit: '3 1', unfit: '2' })
  t.match(chosen(members, { failed: ['host-2'] }), { fit: '', unfit: '1 2 3' })
})

t.test('a named one is taken whatever its state, and no other', async (t) => {
  const members = [member(1), member(2, { raftAppliedIndex: 1 }), member(0xab)]
  for (const pinned of ['m2', '2', id(2), 'host-2'])
    t.match(chosen(members, { pinned }), { fit: '2', unfit: '1 171', why: ['named by the setting member', 'it is 4999 entries behind'] })
  t.match(chosen(members, { pinned: 'AB' }), { fit: '171' })
  t.match(chosen(members, { pinned: 'm4' }), { fit: '', unfit: '1 2 171' })
})
