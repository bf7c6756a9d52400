import { test } from 'tap'
import { ageText, durationText, localTime, parseDuration } from '../../src/output/time-text.ts'

test('local time carries its offset and is the same instant', async (t) => {
  const time = new Date('2026-11-01T10:00:00.000Z')
  t.match(localTime(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d$/)
  t.equal(new Date(localTime(time)).getTime(), time.getTime())
})

test('durations are told in the units that people use', async (t) => {
  const expected: [number, string][] = [
    [0.214, '0.21 s'],
    [3, '3 s'],
    [42.4, '42 s'],
    [59.7, '1 min 00 s'],
    [185, '3 min 05 s'],
    [7800, '2 h 10 min'],
  ]
  for (const [seconds, text] of expected) t.equal(durationText(seconds), text)
})

test('durations are read with their units, and nothing else is', async (t) => {
  t.equal(parseDuration('2h'), 7200)
  t.equal(parseDuration('90m'), 5400)
  t.equal(parseDuration('1d12h'), 129_600)
  t.equal(parseDuration('1.5h'), 5400)
  for (const text of ['', '2', 'h', '2 h', '-2h', '2y']) t.equal(parseDuration(text), undefined, text)
})

test('an age is told in the largest unit that fits', async (t) => {
  const expected: [number, string][] = [
    [-3, '0s'],
    [59, '59s'],
    [60, '1m'],
    [7199, '1h'],
    [86_399, '23h'],
    [200 * 86_400, '200d'],
  ]
  for (const [seconds, text] of expected) t.equal(ageText(seconds), text)
})
