import { test } from 'tap'
import { plainLines } from '../../src/progress/plain-lines.ts'

test('a known total is told at most once each ten percent', async (t) => {
  const said: string[] = []
  const progress = plainLines('reading', (text) => said.push(text))
  for (let bytes = 0; bytes <= 1000; bytes++) progress.update(bytes * 1000, 1_000_000)
  t.equal(said.length, 10)
  t.equal(said[0], 'reading: 10 % of 1.0 MB')
  t.equal(said[9], 'reading: 100 % of 1.0 MB')
})

test('steps larger than ten percent are told once', async (t) => {
  const said: string[] = []
  const progress = plainLines('reading', (text) => said.push(text))
  progress.update(55, 100)
  progress.update(100, 100)
  t.same(said, ['reading: 50 % of 100 B', 'reading: 100 % of 100 B'])
})

test('an unknown total is told ever more rarely', async (t) => {
  const said: string[] = []
  const progress = plainLines('reading', (text) => said.push(text))
  for (let gigabytes = 0; gigabytes <= 10; gigabytes += 0.01) progress.update(gigabytes * 1e9, undefined)
  t.equal(said.length, 3)
})
