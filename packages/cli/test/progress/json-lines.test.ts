import { test } from 'tap'
import { jsonLines } from '../../src/progress/json-lines.ts'

test('status lines come at most twice a second and are exact', async (t) => {
  const lines: Readonly<Record<string, unknown>>[] = []
  let now = 0
  const progress = jsonLines(
    (line) => lines.push(line),
    () => now,
  )
  for (; now < 2000; now += 10) progress.update(now * 100, 400_000)
  t.equal(lines.length, 4)
  t.match(lines[2], { message_type: 'status', bytes_done: 100_000, total_bytes: 400_000, percent_done: 0.25, seconds_elapsed: 1 })
  t.equal(lines[2]?.['bytes_per_second'], 100_000)
  t.equal(lines[2]?.['seconds_remaining'], 3)
})

test('an unknown total is null, not a guess', async (t) => {
  const lines: Readonly<Record<string, unknown>>[] = []
  jsonLines((line) => lines.push(line)).update(5, undefined)
  t.match(lines[0], { bytes_done: 5, total_bytes: null, percent_done: null, seconds_remaining: null })
})
