import t from 'tap'
import type { MemberHash } from '../../src/evidence/ask-hashes.ts'
import type { HashKvAnswer } from '../../src/evidence/hash-kv-answer.ts'
import { judge, mayCatchUp } from '../../src/evidence/judge.ts'

const own = { hash: 7, revision: 100, compactRevision: 40 }

function member(name: string, answer: Partial<Extract<HashKvAnswer, { hash: number }>> | string, version = '3.6.16'): MemberHash {
  const answered = typeof answer === 'string' ? { error: answer } : { hash: 7, hashRevision: 100, compactRevision: 40, ...answer }
  return { id: name.padStart(16, '0'), name, endpoint: `${name}:2379`, version, answer: answered }
}

t.test('members with the same history agree, those before 3.6 too, which do not say what they hashed', async (t) => {
  t.same(judge(own, [member('a', {}), member('b', { hashRevision: 0 }, '3.5.20')]), { evidence: 'agreed', note: '' })
})

t.test('one other hash at the same compaction is a dispute, whoever else agrees, and the note says who has which', async (t) => {
  const { evidence, note } = judge(own, [member('a', {}), member('b', { hash: 8 }), member('c', 'no answer')])
  t.equal(evidence, 'disputed')
  t.equal(
    note,
    'HashKV at revision 100, compacted at 40, is 7 in the snapshot, as a at a:2379 has; b at b:2379 has 8; c at c:2379: no answer',
  )
})

t.test('a member that has compacted elsewhere is not compared, and one comparable member is enough', async (t) => {
  const later = member('b', { hash: 8, compactRevision: 60 })
  t.same(judge(own, [later]), { evidence: 'none', note: 'b at b:2379: it has compacted up to 60, the snapshot up to 40' })
  t.match(judge(own, [member('a', {}), later]), { evidence: 'agreed', note: /^b at b:2379: it has compacted/ })
  t.match(judge(own, [member('b', { compactRevision: -1 })]), { note: /compacted nothing, the snapshot up to 40/ })
  t.match(judge(own, [member('b', { hashRevision: 99 })]), { evidence: 'none', note: /hashed revision 99, not 100/ })
})

t.test('members that contradict each other dispute a snapshot that neither can be compared with', async (t) => {
  const [a, b] = [member('a', { hash: 8, compactRevision: 60 }), member('b', { hash: 9, compactRevision: 60 })]
  t.match(judge(own, [a, b]), { evidence: 'disputed', note: /at revision 100, compacted at 60: a at a:2379 has 8, b at b:2379 has 9/ })
  t.match(judge(own, [a, member('c', { hash: 9, compactRevision: 50 })]), { evidence: 'none' })
})

t.test('nobody to compare with is no evidence', async (t) => {
  t.same(judge(own, []), { evidence: 'none', note: '' })
  t.match(judge(own, [member('a', 'a learner does not answer HashKV')]), {
    evidence: 'none',
    note: 'a at a:2379: a learner does not answer HashKV',
  })
})

t.test('an earlier version may count a tombstone where no key is live, a later one may not', async (t) => {
  const without = { ...own, hashBefore: 5 }
  for (const version of ['3.4.0', '3.4.33', '3.5.15']) t.match(judge(without, [member('a', { hash: 5 }, version)]), { evidence: 'agreed' })
  for (const version of ['3.4.34', '3.5.16', '3.6.0', '3.7.3'])
    t.match(judge(without, [member('a', { hash: 5 }, version)]), { evidence: 'disputed' })
  t.match(judge(own, [member('a', { hash: 5 }, '3.5.15')]), { evidence: 'disputed' })
  t.match(judge(without, [member('a', { hash: 6 }, '3.5.15')]), { evidence: 'disputed' })
})

t.test('who is behind may catch up, who is ahead will not', async (t) => {
  t.ok(mayCatchUp(member('a', { compactRevision: 39 }), own))
  t.notOk(mayCatchUp(member('a', { compactRevision: 41 }), own))
  t.notOk(mayCatchUp(member('a', {}), own))
  const behind = { ...member('a', {}), answer: { error: 'not yet', passing: 'behind' } } as const
  t.ok(mayCatchUp(behind, own))
  t.notOk(mayCatchUp(member('a', 'refused'), own))
})
