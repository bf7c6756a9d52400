import { test } from 'tap'
import type { Choice } from '../../src/retention/choose.ts'
import { misgivings } from '../../src/retention/misgivings.ts'

function choices(kept: string, bytes: readonly number[] = [], name = 'db'): Choice[] {
  return [...kept].map((letter, place) => ({
    snapshot: { id: `${name}${place}`, name, time: new Date(place), bytes: bytes[place] ?? 100, tags: [] },
    reasons: letter === 'k' ? ['last'] : [],
  }))
}

test('half of a name may go, more may not', async (t) => {
  t.same(misgivings(choices('--kk')), [])
  t.match(misgivings(choices('---kk')), [/^3 of the 5 snapshots of db/])
  t.match(misgivings([...choices('kkkkkk'), ...choices('--k', [], 'small')]), [/2 of the 3 snapshots of small/])
})

test('a newest snapshot of less than half the size of the one before is suspicious, when something would go', async (t) => {
  t.match(misgivings(choices('-kk', [100, 100, 49])), [/newest snapshot of db has 49 bytes/])
  t.same(misgivings(choices('-kk', [100, 100, 50])), [])
  t.same(misgivings(choices('kkk', [100, 100, 1])), [])
  t.same(misgivings(choices('k', [1])), [])
})
