import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { source } from '../src/source.ts'
import { certificateAuthority } from './certificates.ts'
import { fakeEtcd } from './fake-etcd.ts'
import { failureOf, reading } from './reading.ts'

/** A Unix socket that leads to a port. */
async function socketTo(t: Test, address: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'kpipe-socket-'))
  const open = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect(Number(address.split(':')[1]), '127.0.0.1')
    for (const socket of [near, far]) {
      open.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => [near, far].forEach((one) => one.destroy()))
    }
    near.pipe(far).pipe(near)
  })
  const path = join(folder, 'a b:1')
  await new Promise<void>((resolve) => server.listen(path, resolve))
  t.teardown(() => {
    for (const socket of open) socket.destroy()
    server.close()
    rmSync(folder, { recursive: true })
  })
  return path
}

t.test('a snapshot comes over a Unix socket, which facts and members name', async (t) => {
  const etcd = await fakeEtcd()
  t.teardown(() => etcd.close())
  const location = `unix://${await socketTo(t, etcd.address)}`
  const into = reading()
  const stream = await into.open({ location })
  t.match(stream.facts, { endpoint: location })
  t.match((await into.all(stream)).subarray(0, 8).toString(), 'database')
  await stream.close()
  const settings = { endpoints: [location], dialTimeout: 5, idleTimeout: 5, maxLag: 1000, evidence: 'asked' } as const
  t.match(await source.members!(settings, into), { members: [{ endpoint: location }] })
})

t.test('with TLS the certificate is for localhost, or for the name that is given', async (t) => {
  const authority = await certificateAuthority(t.testdir())
  const { pem, keyPem } = await authority.sign({ commonName: 'server', names: ['localhost'] })
  const etcd = await fakeEtcd({}, { cert: pem, key: keyPem, ALPNProtocols: ['h2'] })
  t.teardown(() => etcd.close())
  const location = `unixs://${await socketTo(t, etcd.address)}`
  const stream = await reading().open({ location, cacert: authority.certFile })
  await stream.close()
  const failure = await failureOf({ location, cacert: authority.certFile, serverName: 'etcd.example' })
  t.match(failure, { code: 'KPIPE_SOURCE_REFUSED', message: /etcd\.example/ })
})

t.test('a socket that is not there is told by its path', async (t) => {
  const location = 'unix:///run/kpipe-none'
  t.match(await failureOf({ location }), { code: 'KPIPE_SOURCE_UNREACHABLE', message: `etcd at ${location}: there is no such socket` })
})
