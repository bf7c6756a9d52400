import { randomBytes } from 'node:crypto'
import { test } from 'tap'
import { withEtcd, writeKeys } from './support/etcd.ts'
import { told } from './support/failing.ts'
import { meanwhile } from './support/kpipe.ts'
import { filesWith, place } from './support/place.ts'
import { processesWith, until } from './support/processes.ts'
import { tcpProxy } from './support/tcp-proxy.ts'

const canary = 'CANARY-1b66f0de93c2473a'

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  test(`${signal} in mid-stream: etcd is let go, the log says ABORT, exit 130, and the next run works`, async (t) => {
    await withEtcd(
      '3.6',
      async (etcd) => {
        const page = () => Buffer.concat([Buffer.from(canary), randomBytes(4000)])
        const value = () => Buffer.concat(Array.from({ length: 250 }, page))
        for (let n = 0; n < 32; n++) await writeKeys(etcd.clientUrl, [[`big/${n}`, value()]])
        const proxy = await tcpProxy(t, etcd.clientUrl)
        const at = await place(t, `{ use: etcd, with: { endpoints: ['${proxy.address}'] } }`)
        const before = await at.traces()
        const mark = `${process.pid}-${signal}`
        const held = proxy.holdAfter(8 << 20)
        const { child, ended } = at.spawn(['run'], { env: { KPIPE_TEST_MARK: mark } })
        await meanwhile(held, ended)
        child.kill(signal)
        told(t, await ended, { code: 'KPIPE_INTERRUPTED', says: [`stopped by ${signal}`], hint: /Nothing half is left behind/ })
        await until('etcd is let go', () => proxy.open === 0)
        t.same(await processesWith(`KPIPE_TEST_MARK=${mark}`), [], 'no process is left')
        t.same(await at.traces(), before, 'nothing is left behind')
        t.same(filesWith(at.folder, canary), [])
        t.equal(await at.logKinds(), 'GENESIS OPEN ABORT')
        t.match((await at.log()).at(-1), { reason: /interrupted|stopped/ })

        proxy.release()
        t.equal((await at.kpipe(['run', '-q'])).code, 0)
        t.equal(await at.logKinds(), 'GENESIS OPEN ABORT OPEN SNAPSHOT')
      },
      { extraArgs: ['--unsafe-no-fsync'] },
    )
  })
}

test('SIGINT during a restore leaves nothing at the target', async (t) => {
  const at = await place(t, "{ use: file, with: { path: '-' } }")
  t.equal((await at.kpipe(['run', '-q'], { input: randomBytes(96 << 20) })).code, 0)
  const before = await at.traces()
  const { child, ended } = at.spawn(['restore', 'latest', '-to', './snap', '--json'])
  await meanwhile(
    until('the target', async () => (await at.traces()).files.some((name) => name.includes('.snap.'))),
    ended,
  )
  child.kill('SIGINT')
  const { code, stdout } = await ended
  t.equal(code, 130, stdout)
  t.match(JSON.parse(stdout.trim().split('\n').at(-1)!), { message_type: 'error', code: 'KPIPE_INTERRUPTED', exit_code: 130 })
  t.same(await at.traces(), before, 'nothing is left behind')
})

test('a run that is killed leaves packs that nothing names, and the next run and restore work', async (t) => {
  const at = await place(t, "{ use: file, with: { path: '-' } }")
  const { child, ended } = at.spawn(['run'], { input: { open: true } })
  child.stdin!.write(randomBytes(48 << 20))
  await until('a pack', async () => at.packs().length > 0)
  child.kill('SIGKILL')
  t.equal((await ended).signal, 'SIGKILL')
  t.equal(await at.logKinds(), 'GENESIS OPEN')
  t.equal((await at.kpipe(['snapshots', '--json'])).stdout, '[]\n')
  const bytes = randomBytes(1 << 20)
  t.equal((await at.kpipe(['run', '-q'], { input: bytes })).code, 0)
  t.equal((await at.kpipe(['restore', 'latest', '-to', 'snap'])).code, 0)
  t.ok(at.read('snap').equals(bytes))
})
