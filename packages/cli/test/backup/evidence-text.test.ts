import { test } from 'tap'
import { evidenceText } from '../../src/backup/evidence-text.ts'
import { factsToHeed } from '../../src/backup/facts-to-heed.ts'
import { doubtOf } from '../../src/where/doubt-of.ts'

const member = (hash: number | null) => ({ name: 'm1', hash, error: hash === null ? 'a learner does not answer HashKV' : null })

test('members that confirm a snapshot are counted, the others with them', (t) => {
  const own = { hash: 7, hash_revision: 9, compact_revision: -1 }
  t.equal(
    evidenceText({ evidence: 'agreed', hash_kv: own, hash_kv_members: [member(7), member(7), member(null)] }),
    '2 of 3 confirm its history',
  )
  t.equal(evidenceText({ evidence: 'disputed', evidence_note: 'm1 has 8' }), 'disagree on its history')
  t.equal(evidenceText({ evidence: 'none', evidence_note: 'nobody was asked' }), 'none confirms its history: nobody was asked')
  t.equal(evidenceText({ evidence: 'none', evidence_note: null }), 'none confirms its history')
  for (const facts of [{}, { evidence: 'agreed' }, { evidence: 'agreed', hash_kv: null, hash_kv_members: [] }])
    t.equal(evidenceText(facts), undefined)
  t.end()
})

test('only a dispute needs a look, and keeps a snapshot from being taken unasked', (t) => {
  const disputed = { evidence: 'disputed', evidence_note: 'm1 has 8' }
  t.match(factsToHeed(disputed), [/^members disagree, .*: m1 has 8$/])
  t.equal(doubtOf(disputed), 'disputed: m1 has 8')
  for (const evidence of ['agreed', 'none', null]) {
    t.same(factsToHeed({ evidence, evidence_note: 'a learner' }), [])
    t.equal(doubtOf({ evidence }), undefined)
  }
  t.equal(doubtOf({}), undefined)
  t.end()
})
