import { spawnSync } from 'node:child_process'
import { test } from 'tap'
import { isAlive, runningSystem } from '../src/running-system.ts'

test('a process of this system lives or is gone', async (t) => {
  t.ok(isAlive(process.pid))
  t.ok(isAlive(process.ppid))
  t.notOk(isAlive(spawnSync('true').pid))
})

test('a system has one name as long as it runs, which says whose process ids are meant', async (t) => {
  t.equal(runningSystem(), runningSystem())
  if (process.platform === 'linux') t.match(runningSystem(), /^[0-9a-f-]{36} pid:\[\d+\]$/)
})
