import type { Snapshot } from '@kpipe/repository'
import { test } from 'tap'
import { predict } from '../../src/plan/prediction.ts'

const parent = (before: Uint8Array | null, statistics: object) => ({ manifest: { parent: before, statistics } }) as unknown as Snapshot

test('without a parent all is fresh, and how well it compresses is unknown', async (t) => {
  t.match(predict(1000, undefined), { read: 1000, fresh: 1000, stored: null })
  t.match(predict(undefined, undefined), { read: null, fresh: null, stored: null })
})

test('a parent that was the first says nothing about what changes', async (t) => {
  t.match(predict(1000, parent(null, { bytes_fresh: 900, bytes_encoded: 90 })), { read: 1000, fresh: null, stored: null })
})

test('a parent that had a parent is the measure', async (t) => {
  t.match(predict(1000, parent(new Uint8Array(32), { bytes_fresh: 80, bytes_encoded: 8 })), { read: 1000, fresh: 80, stored: 8 })
  t.match(predict(1000, parent(new Uint8Array(32), {})), { fresh: null, stored: null }, 'made by a kpipe that noted nothing')
})
