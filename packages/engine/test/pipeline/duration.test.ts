import { test } from 'tap'
import { durationMs } from '../../src/pipeline/duration.ts'

test('a number is seconds, a unit says otherwise', async (t) => {
  const durations: [string | number, number][] = [
    [60, 60_000],
    [0.5, 500],
    ['60', 60_000],
    ['60s', 60_000],
    ['10m', 600_000],
    ['1.5h', 5_400_000],
    ['250ms', 250],
    [' 2 m ', 120_000],
  ]
  for (const [duration, ms] of durations) t.equal(durationMs(duration), ms, String(duration))
})

test('anything else is no duration', async (t) => {
  for (const duration of ['', 'm', '10q', '-5', -5, 0, '0s', NaN, Infinity, '1e3', '10m5s', 30 * 24 * 3600])
    t.equal(durationMs(duration), undefined, String(duration))
})
