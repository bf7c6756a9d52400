import { test } from 'tap'
import { before, isEmptyPolicy, parseSpan, spanText } from '../../src/retention/policy.ts'

test('a span has years, months, days and hours in this order, any of them', async (t) => {
  t.same(parseSpan('2y5m7d3h'), { years: 2, months: 5, days: 7, hours: 3 })
  t.same(parseSpan('30d'), { years: 0, months: 0, days: 30, hours: 0 })
  for (const wrong of ['', '30', 'd', '3h2d', '1w', '-1d', '1.5d', '99999999d']) t.equal(parseSpan(wrong), undefined, wrong)
  for (const text of ['2y5m7d3h', '30d', '10h', '1m', '20d', '0h']) t.equal(spanText(parseSpan(text)!), text)
})

test('months and years are those of the calendar', async (t) => {
  const from = (time: string, span: string): string => new Date(before(Date.parse(time), parseSpan(span)!)).toISOString()
  t.equal(from('2026-03-15T12:00:00Z', '1m'), '2026-02-15T12:00:00.000Z')
  t.equal(from('2026-03-31T12:00:00Z', '1m'), '2026-03-03T12:00:00.000Z')
  t.equal(from('2024-02-29T00:00:00Z', '1y'), '2023-03-01T00:00:00.000Z')
  t.equal(from('2026-01-01T01:00:00Z', '1y1m1d2h'), '2024-11-29T23:00:00.000Z')
})

test('a policy without a count, a span or a tag is empty', async (t) => {
  t.ok(isEmptyPolicy({}))
  t.ok(isEmptyPolicy({ last: 0, tags: [], within: undefined, daily: undefined }))
  for (const policy of [{ last: 1 }, { yearly: 'unlimited' as const }, { tags: [['a']] }, { within: parseSpan('1h') }])
    t.notOk(isEmptyPolicy(policy))
})
