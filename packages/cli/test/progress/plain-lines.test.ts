import { test } from 'tap'
import { plainLines } from '../../src/progress/plain-lines.ts'

/** Progress whose clock stands still but for `pass`, which lets seconds go by. */
function clocked() {
  const said: string[] = []
  let now = 0
  const progress = plainLines(
    'reading',
    (text) => said.push(text),
    () => now,
  )
  return { said, progress, pass: (seconds: number) => (now += seconds * 1000) }
}

test('a known total is told at most once each ten percent', async (t) => {
  const { said, progress, pass } = clocked()
  for (let bytes = 0; bytes <= 1000; bytes++) {
    pass(5)
    progress.update(bytes * 1000, 1_000_000)
  }
  t.equal(said.length, 10)
  t.equal(said[0], 'reading: 10 % of 1.0 MB')
  t.equal(said[9], 'reading: 100 % of 1.0 MB')
})

test('lines come at most once in five seconds, and none before these have passed', async (t) => {
  const { said, progress, pass } = clocked()
  for (let bytes = 0; bytes <= 1000; bytes++) {
    pass(0.01)
    progress.update(bytes, 1000)
  }
  t.same(said, ['reading: 40 % of 1.0 kB', 'reading: 90 % of 1.0 kB'])
  const short = clocked()
  short.pass(0.2)
  short.progress.update(100, 100)
  t.same(short.said, [])
})

test('steps larger than ten percent are told once', async (t) => {
  const { said, progress, pass } = clocked()
  pass(5)
  progress.update(55, 100)
  pass(5)
  progress.update(100, 100)
  t.same(said, ['reading: 50 % of 100 B', 'reading: 100 % of 100 B'])
})

test('an unknown total is told ever more rarely', async (t) => {
  const { said, progress, pass } = clocked()
  for (let gigabytes = 0; gigabytes <= 10; gigabytes += 0.01) {
    pass(5)
    progress.update(gigabytes * 1e9, undefined)
  }
  t.equal(said.length, 3)
})
