import { test } from 'tap'
import { demandDigest, digestOf } from '../../src/restore/expected-digest.ts'
import { snapshotWith } from '../restore-plan/planned.ts'

const snapshot = snapshotWith()

test('a snapshot of another digest is refused, and one of this digest is not', async (t) => {
  t.equal(digestOf(snapshot), 'ab'.repeat(32))
  demandDigest(snapshot, undefined)
  demandDigest(snapshot, 'AB'.repeat(32))
  t.throws(() => demandDigest(snapshot, 'cd'.repeat(32)), {
    code: 'KPIPE_DIGEST_MISMATCH',
    message: /1f0c1f0c1f0c of prod has the digest abab.*, and cdcd/,
  })
})

test('a part of a digest is no digest', async (t) => {
  t.throws(() => demandDigest(snapshot, 'abab'), { code: 'KPIPE_USAGE', message: /abab is no SHA-256 of 64 hex digits/ })
})
