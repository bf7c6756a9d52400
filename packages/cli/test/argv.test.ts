import { test } from 'tap'
import { asksForJson, rewriteTo } from '../src/argv.ts'

test('exactly the word -to becomes --to, wherever it stands', async (t) => {
  t.same(rewriteTo(['restore', 'latest', '-to', './snap']), ['restore', 'latest', '--to', './snap'])
  t.same(rewriteTo(['restore', '-to', './snap', 'latest']), ['restore', '--to', './snap', 'latest'])
  t.same(rewriteTo(['restore', 'x', '-to', '-']), ['restore', 'x', '--to', '-'])
})

test('no other word is changed', async (t) => {
  const words = ['restore', '--to', 'x', '-to=x', '-top', '-t', 'o', '-tox', 'to', '--', '-to']
  t.same(rewriteTo(words), words)
})

test('JSON is asked for by --json before --', async (t) => {
  t.equal(asksForJson(['run', '--json']), true)
  t.equal(asksForJson(['run', '--', '--json']), false)
  t.equal(asksForJson(['run']), false)
})
