import { test } from 'tap'
import { bucketsOf } from '../../src/retention/buckets.ts'

const at = (time: string): Date => new Date(time)

test('days, weeks, months and years are those of the zone', async (t) => {
  const berlin = bucketsOf('Europe/Berlin')
  const utc = bucketsOf(undefined)
  const late = at('2026-12-31T23:30:00Z')
  t.same([utc.daily(late), utc.monthly(late), utc.yearly(late), utc.weekly(late)], ['2026-12-31', '2026-12', '2026', '2026-W53'])
  t.same(
    [berlin.daily(late), berlin.monthly(late), berlin.yearly(late), berlin.weekly(late)],
    ['2027-01-01', '2027-01', '2027', '2026-W53'],
  )
  t.equal(bucketsOf('America/New_York').daily(at('2026-03-01T04:59:59Z')), '2026-02-28')
})

test('hours of a zone that is half an hour off begin where its own do', async (t) => {
  const { hourly } = bucketsOf('Asia/Kolkata')
  t.equal(hourly(at('2026-01-01T00:30:00Z')), hourly(at('2026-01-01T01:29:59Z')))
  t.not(hourly(at('2026-01-01T00:29:59Z')), hourly(at('2026-01-01T00:30:00Z')))
})

test('when clocks are set back, the same hour comes twice', async (t) => {
  const { hourly, daily } = bucketsOf('Europe/Berlin')
  const [summer, winter] = [at('2026-10-25T00:30:00Z'), at('2026-10-25T01:30:00Z')]
  t.not(hourly(summer), hourly(winter))
  t.equal(daily(summer), daily(winter))
})

test('a zone of no offset has the buckets of UTC', async (t) => {
  const [zone, utc] = [bucketsOf('Etc/UTC'), bucketsOf(undefined)]
  for (let hour = 0; hour < 2000; hour += 37) {
    const time = new Date(Date.UTC(2026, 0, 1) + hour * 3_600_000)
    t.equal(zone.daily(time), utc.daily(time))
    t.equal(zone.weekly(time), utc.weekly(time))
    t.ok(zone.hourly(time).startsWith(utc.hourly(time)))
  }
})
