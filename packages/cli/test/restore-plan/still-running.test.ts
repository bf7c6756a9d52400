import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { serviceOf } from '../../src/restore-plan/service.ts'
import { stillRunning } from '../../src/restore-plan/still-running.ts'

test('a manifest that is in place would start its pod', async (t) => {
  const manifest = join(t.testdir({ 'etcd.yaml': '' }), 'etcd.yaml')
  t.match(await stillRunning(serviceOf(manifest, 'etcd')), /its manifest .*etcd\.yaml is in place/)
  t.equal(await stillRunning(serviceOf(`${manifest}.stopped`, 'etcd')), undefined)
})

test('a unit is asked for at systemd, and nobody can tell without one', async (t) => {
  const folder = t.testdir()
  const { PATH } = process.env
  t.teardown(() => void (process.env['PATH'] = PATH))
  process.env['PATH'] = folder
  const unit = serviceOf('etcd.service', 'etcd')
  t.equal(await stillRunning(unit), undefined)
  for (const [state, running] of [
    ['active', true],
    ['activating', true],
    ['inactive', false],
    ['failed', false],
  ] as const) {
    writeFileSync(join(folder, 'systemctl'), `#!/bin/sh\necho "$@" >${folder}/asked\necho ${state}\n[ ${state} = active ]\n`)
    chmodSync(join(folder, 'systemctl'), 0o755)
    t.equal((await stillRunning(unit))?.includes(`its unit etcd.service is ${state}`) ?? false, running, state)
  }
  t.ok(existsSync(join(folder, 'asked')))
  t.equal(readFileSync(join(folder, 'asked'), 'utf8'), 'is-active etcd.service\n')
  t.equal(await stillRunning(serviceOf('hand', 'etcd')), undefined)
})
