import { test } from 'tap'
import { choose } from '../../src/retention/choose.ts'
import type { Drill } from '../../src/index.ts'
import type { Candidate } from '../../src/retention/choose.ts'
import { parseSpan } from '../../src/retention/policy.ts'
import type { Policy } from '../../src/retention/policy.ts'
import { dice } from '../made-repository.ts'

const now = new Date('2030-01-01T00:00:00Z')

/** Snapshots of these times in log order; ids are their places. */
function history(times: readonly string[], more: Partial<Candidate> = {}): Candidate[] {
  return times.map((time, place) => ({ id: String(place), name: 'db', time: new Date(`${time}Z`), bytes: 1000, tags: [], ...more }))
}

function kept(snapshots: readonly Candidate[], policy: Policy): string[] {
  return choose(snapshots, policy, now)
    .filter(({ reasons }) => reasons.length > 0)
    .map(({ snapshot }) => snapshot.id)
}

function everyHours(count: number, hours: number, from = '2026-01-01T00:30:00'): Candidate[] {
  const start = Date.parse(`${from}Z`)
  return history(Array.from({ length: count }, (_, place) => new Date(start + place * hours * 3_600_000).toISOString().slice(0, 19)))
}

const days = history([
  '2026-02-27T10:00',
  '2026-02-28T10:00',
  '2026-02-28T22:00',
  '2026-03-01T09:00',
  '2026-03-01T10:00',
  '2026-03-01T10:59',
])

const table: readonly { rule: string; snapshots: readonly Candidate[]; policy: Policy; stays: readonly string[] }[] = [
  { rule: 'last keeps so many', snapshots: days, policy: { last: 2 }, stays: ['4', '5'] },
  { rule: 'last above the number keeps all', snapshots: days, policy: { last: 99 }, stays: ['0', '1', '2', '3', '4', '5'] },
  { rule: 'unlimited last keeps all', snapshots: days, policy: { last: 'unlimited' }, stays: ['0', '1', '2', '3', '4', '5'] },
  { rule: 'the newest of each hour', snapshots: days, policy: { hourly: 2 }, stays: ['3', '5'] },
  { rule: 'the newest of each day', snapshots: days, policy: { daily: 2 }, stays: ['2', '5'] },
  { rule: 'hours without a snapshot cost nothing', snapshots: days, policy: { hourly: 4 }, stays: ['1', '2', '3', '5'] },
  { rule: 'the oldest stays while counts are left', snapshots: days, policy: { monthly: 3 }, stays: ['0', '2', '5'] },
  { rule: 'the oldest goes when they are not', snapshots: days, policy: { monthly: 2 }, stays: ['2', '5'] },
  { rule: 'rules overlap and do not add up', snapshots: days, policy: { last: 1, hourly: 1, daily: 1, yearly: 1 }, stays: ['5'] },
  { rule: 'each rule keeps on its own', snapshots: days, policy: { last: 2, daily: 2 }, stays: ['2', '4', '5'] },
  {
    rule: 'a week begins on Monday and belongs to the year of its Thursday',
    snapshots: history(['2026-12-27T23:00', '2026-12-28T01:00', '2027-01-03T23:00', '2027-01-04T01:00']),
    policy: { weekly: 2 },
    stays: ['2', '3'],
  },
  {
    rule: 'years',
    snapshots: history(['2023-05-01T00:00', '2024-12-31T23:59', '2025-01-01T00:00']),
    policy: { yearly: 2 },
    stays: ['1', '2'],
  },
  {
    rule: 'within counts back from the newest, not from now',
    snapshots: days,
    policy: { within: parseSpan('1d') },
    stays: ['2', '3', '4', '5'],
  },
  { rule: 'within an hour, its begin left out', snapshots: days, policy: { within: parseSpan('1h') }, stays: ['4', '5'] },
  {
    rule: 'within a month of the calendar',
    snapshots: history(['2026-02-14T23:59', '2026-02-15T00:01', '2026-03-15T00:00']),
    policy: { within: parseSpan('1m') },
    stays: ['1', '2'],
  },
  {
    rule: 'a time in the future moves no border',
    snapshots: history(['2026-01-01T00:00', '2026-01-03T00:00', '2033-01-01T00:00']),
    policy: { within: parseSpan('1d') },
    stays: ['1', '2'],
  },
  { rule: 'the newest stays whatever the policy', snapshots: days, policy: { tags: [['none']] }, stays: ['5'] },
  { rule: 'nothing of nothing', snapshots: [], policy: { last: 3 }, stays: [] },
  { rule: 'one of one', snapshots: days.slice(0, 1), policy: { daily: 1 }, stays: ['0'] },
]

for (const { rule, snapshots, policy, stays } of table) test(rule, async (t) => t.same(kept(snapshots, policy), stays))

test('500 hourly snapshots with 24 hourly and 7 daily leave 24 and the ends of six more days', async (t) => {
  const all = everyHours(500, 1)
  const stay = kept(all, { hourly: 24, daily: 7 })
  t.same(
    stay.slice(-24),
    all.slice(-24).map(({ id }) => id),
  )
  // The last 24 hours touch two days; five more days have their last hour.
  t.equal(stay.length, 24 + 5)
  for (const id of stay.slice(0, 5)) t.equal(all[Number(id)].time.getUTCHours(), 23)
})

test('a snapshot stays that has all tags of one of the lists', async (t) => {
  const tagged = [['a'], ['a', 'b'], ['c'], [], []].map((tags, place) => ({ ...days[place], tags }))
  t.same(kept(tagged, { tags: [['a', 'b'], ['c']] }), ['1', '2', '4'])
})

test('the newest of a name that is proven to boot stays whatever the policy, and only that one', async (t) => {
  const drill = (proven: boolean): Drill => ({ time: now, level: proven ? 'booted' : 'walked', passed: true, note: '', proven })
  const drilled = days.map((snapshot, place) => (place < 4 ? { ...snapshot, drill: drill(place < 3) } : snapshot))
  t.same(
    choose(drilled, { last: 1 }, now).map(({ reasons }) => reasons),
    [[], [], ['drilled'], [], [], ['newest', 'last']],
  )
  const ofTwoNames = drilled.map((snapshot, place) => ({ ...snapshot, name: place % 2 === 0 ? 'even' : 'odd' }))
  t.same(kept(ofTwoNames, {}), ['1', '2', '4', '5'])
})

test('names do not share counts', async (t) => {
  const two = days.map((snapshot, place) => ({ ...snapshot, name: place % 2 === 0 ? 'even' : 'odd' }))
  t.same(kept(two, { last: 1 }), ['4', '5'])
  t.same(kept(two, { last: 2 }), ['2', '3', '4', '5'])
})

test('of equal times the later log entry is newer, and of a clock that went back the last entry stays besides', async (t) => {
  t.same(kept(history(['2026-01-01T00:00', '2026-01-01T00:00', '2026-01-01T00:00']), { last: 1 }), ['2'])
  const back = history(['2026-01-05T00:00', '2026-01-06T00:00', '2026-01-02T00:00'])
  const choices = choose(back, { last: 1 }, now)
  t.same(
    choices.map(({ reasons }) => reasons),
    [[], ['last'], ['newest']],
  )
})

test('every rule that keeps a snapshot is named', async (t) => {
  const choices = choose(days, { last: 1, daily: 9, within: parseSpan('1h'), monthly: 9 }, now)
  t.same(
    choices.map(({ reasons }) => reasons.join(', ')),
    ['daily, oldest monthly', '', 'daily, monthly', '', 'within 1h', 'newest, within 1h, last, daily, monthly'],
  )
})

test('random histories: at least keep-last stay, more counts never keep less, and once more keeps the same', async (t) => {
  for (let seed = 0; seed < 300; seed++) {
    const random = dice(seed)
    const pick = (most: number): number => Math.floor(random() * most)
    const start = Date.UTC(2024, pick(12), pick(28))
    const all = Array.from({ length: 1 + pick(60) }, (_, place) => ({
      id: String(place),
      name: ['a', 'b'][pick(2)],
      time: new Date(start + pick(90 * 24) * 3_600_000),
      bytes: 1000,
      tags: pick(5) === 0 ? ['keep'] : [],
    }))
    const policy = { last: pick(6), hourly: pick(6), daily: pick(6), weekly: pick(4), monthly: pick(3), tags: [['keep']] }
    const stay = kept(all, policy)
    for (const name of ['a', 'b']) {
      const group = all.filter((snapshot) => snapshot.name === name)
      const staying = group.filter(({ id }) => stay.includes(id))
      t.ok(staying.length >= Math.min(group.length, Math.max(1, policy.last)), `seed ${seed}`)
      const newest = group.toSorted((one, other) => one.time.getTime() - other.time.getTime()).slice(group.length - policy.last)
      if (policy.last > 0)
        t.ok(
          newest.every(
            ({ id, time }) => stay.includes(id) || group.some((twin) => twin.time.getTime() === time.getTime() && stay.includes(twin.id)),
          ),
        )
      t.ok(group.length === 0 || stay.includes(group.at(-1)!.id))
      t.ok(group.every(({ id, tags }) => tags.length === 0 || stay.includes(id)))
    }
    t.same(kept(all, policy), stay)
    const more = kept(all, { ...policy, daily: policy.daily + 1, last: policy.last + 1 })
    t.ok(
      stay.every((id) => more.includes(id)),
      `seed ${seed}`,
    )
  }
})

test('snapshots in doubt take nobody’s place, and go when their time comes', (t) => {
  const doubtful = (snapshots: readonly Candidate[], ...places: number[]): Candidate[] =>
    snapshots.map((one, place) => (places.includes(place) ? { ...one, doubt: 'doubtful' } : one))
  t.same(kept(doubtful(days, 5), {}), ['4', '5'], 'the newest, and the newest without doubt')
  t.same(choose(doubtful(days, 5), {}, now).at(-2)!.reasons, ['newest without doubt'])
  t.same(kept(doubtful(days, 3, 4, 5), { last: 2 }), ['1', '2', '4', '5'])
  t.same(kept(doubtful(days, 2, 5), { daily: 2 }), ['1', '2', '4', '5'])
  t.same(kept(doubtful(days, 0), { last: 2 }), ['4', '5'], 'an old one goes like any other')
  t.same(kept(doubtful(days, 0, 1, 2, 3, 4, 5), { last: 2 }), ['4', '5'], 'where all are, they count as usual')
  t.end()
})
