import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import t, { type Test } from 'tap'
import { certificateAuthority, type Certificate } from './certificates.ts'
import { methods } from '../src/etcd-messages.ts'
import { fakeEtcd } from './fake-etcd.ts'
import { failureOf, reading } from './reading.ts'

const day = 86_400_000
const folder = t.testdir()
const authority = await certificateAuthority(folder)
const stranger = await certificateAuthority(folder, 'another CA')
const names = ['127.0.0.1', 'localhost']
const server = await authority.sign({ commonName: 'server', names })
const client = await authority.sign({ commonName: 'client' })
const cacert = authority.certFile

const of = ({ pem, keyPem }: Certificate): TlsOptions => ({ cert: pem, key: keyPem, ALPNProtocols: ['h2'] })

async function listening(t: Test, server: Server): Promise<{ location: string; readonly connections: number }> {
  const sockets = new Set<Socket>()
  let connections = 0
  server.on('connection', (socket: Socket) => {
    connections += 1
    sockets.add(socket)
    socket.on('error', () => {})
  })
  server.on('tlsClientError', () => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    location: `etcd+https://127.0.0.1:${port}`,
    get connections() {
      return connections
    },
  }
}

t.test('a server that shows the right certificate gives a snapshot, by IP address and by name', async (t) => {
  const etcd = await fakeEtcd({}, of(server))
  t.teardown(() => etcd.close())
  const port = etcd.address.split(':')[1]
  for (const endpoint of [etcd.address, `https://${etcd.address}`, `localhost:${port}`]) {
    const stream = await reading().open({ endpoints: [endpoint], cacert })
    t.match(stream.facts, { server_certificate_not_after: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/ })
    t.notOk('certificate_not_after' in stream.facts)
    await stream.close()
  }
})

t.test('a certificate that ends within thirty days is told of', async (t) => {
  const soon = await authority.sign({ commonName: 'soon', names, notAfter: new Date(Date.now() + 10.5 * day) })
  const etcd = await fakeEtcd({}, of(soon))
  t.teardown(() => etcd.close())
  const into = reading()
  const stream = await into.open({ endpoints: [etcd.address], cacert })
  await stream.close()
  t.match(into.warnings, [/^the certificate of etcd at 127\.0\.0\.1:\d+ expires in 10 days, at \d{4}-/])
})

t.test('a certificate that is not to be trusted is told with what is wrong with it, and with nothing sent', async (t) => {
  const past = new Date('2020-02-02T02:02:02Z')
  const expired = await authority.sign({ commonName: 'expired', names, notBefore: new Date(+past - day), notAfter: past })
  const early = await authority.sign({ commonName: 'early', names, notBefore: new Date('2040-01-01'), notAfter: new Date('2041-01-01') })
  const elsewhere = await authority.sign({ commonName: 'elsewhere', names: ['10.0.0.9', 'etcd.example', '::1'] })
  const foreign = await stranger.sign({ commonName: 'foreign', names })
  const forClients = await authority.sign({ commonName: 'for clients' })
  const cases: [string, Certificate, RegExp][] = [
    ['expired', expired, /: its certificate expired at 2020-02-02T02:02:02Z$/],
    ['not yet valid', early, /: its certificate is not valid before 2040-01-01T00:00:00Z$/],
    ['another name', elsewhere, /: its certificate is for 10\.0\.0\.9, etcd\.example, 0:0:0:0:0:0:0:1, not for 127\.0\.0\.1$/],
    ['unknown CA', foreign, /: its certificate is signed by CN=another CA, which is no authority that .*test-CA\.crt trusts$/],
    ['of a client', forClients, /: its certificate is not accepted \(INVALID_PURPOSE\)$/],
  ]
  for (const [what, certificate, message] of cases) {
    const etcd = await fakeEtcd({}, of(certificate))
    const failure = await failureOf({ endpoints: [etcd.address], cacert, username: 'root', password: 'hunter2' })
    t.match(failure, { code: 'KPIPE_SOURCE_REFUSED', message }, what)
    t.same(etcd.asked, [], what)
    const stream = await reading().open({ endpoints: [etcd.address], insecureSkipTlsVerify: true })
    await stream.close()
    t.ok(etcd.asked.includes(methods.snapshot), `${what}: taken when nothing is checked`)
    await etcd.close()
  }
  const etcd = await fakeEtcd({}, of(foreign))
  t.teardown(() => etcd.close())
  t.match(await failureOf({ location: `https://${etcd.address}` }), {
    message: /CN=another CA, which is no authority whom this host trusts/,
  })
})

t.test('an authority that has expired is told by its name', async (t) => {
  const old = await certificateAuthority(folder, 'old CA', { notBefore: new Date('2019-01-01'), notAfter: new Date('2020-01-01') })
  const etcd = await fakeEtcd({}, of(await old.sign({ commonName: 'under the old', names })))
  t.teardown(() => etcd.close())
  t.match(await failureOf({ endpoints: [etcd.address], cacert: old.certFile }), {
    code: 'KPIPE_SOURCE_REFUSED',
    message: /has the authority CN=old CA, whose certificate expired at 2020-01-01T00:00:00Z/,
  })
})

t.test('serverName stands in for the host, be it a name or an address', async (t) => {
  const etcd = await fakeEtcd({}, of(await authority.sign({ commonName: 'elsewhere', names: ['10.0.0.9', 'etcd.example'] })))
  t.teardown(() => etcd.close())
  for (const serverName of ['10.0.0.9', 'etcd.example']) {
    const stream = await reading().open({ endpoints: [etcd.address], cacert, serverName })
    await stream.close()
  }
  const failure = await failureOf({ endpoints: [etcd.address], cacert, serverName: '10.0.0.8' })
  t.match(failure, { code: 'KPIPE_SOURCE_REFUSED', message: /is for 10\.0\.0\.9, etcd\.example, not for 10\.0\.0\.8/ })
})

t.test('a client certificate that is missing is told, in TLS 1.2 and 1.3', async (t) => {
  const wanting = { ...of(server), ca: authority.pem, requestCert: true, rejectUnauthorized: true }
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const etcd = await fakeEtcd({}, { ...wanting, maxVersion })
    const settings = { endpoints: [etcd.address], cacert }
    const message = /client certificate (is|may be) wanted, and none was given/
    t.match(await failureOf(settings), { code: 'KPIPE_SOURCE_REFUSED', message }, maxVersion)
    t.same(etcd.asked, [])
    const stream = await reading().open({ ...settings, cert: client.certFile, key: client.keyFile })
    t.match(stream.facts, { certificate_not_after: /^\d{4}-/, server_certificate_not_after: /^\d{4}-/ })
    await stream.close()
    await etcd.close()
  }
})

t.test('a connection that is reset right after the handshake is told with the client certificate that was given', async (t) => {
  const peer = await listening(
    t,
    createTlsServer(of(server), (socket) => socket.destroy()),
  )
  const { certFile: cert, keyFile: key } = client
  t.match(await failureOf({ location: peer.location, cacert }), {
    code: 'KPIPE_SOURCE_REFUSED',
    message: /ended right after the TLS handshake .*; no client certificate was given/,
  })
  t.match(await failureOf({ location: peer.location, cacert, cert, key }), {
    code: 'KPIPE_SOURCE_REFUSED',
    message: /ended right after the TLS handshake .*; the client certificate was .*client\.crt, CN=client, signed by CN=test CA/,
  })
  t.ok(peer.connections >= 2)
})

t.test('what speaks TLS and not HTTP/2, or no TLS at all, is another protocol', async (t) => {
  const servers: [string, Server, RegExp][] = [
    ['no ALPN', createTlsServer({ ...of(server), ALPNProtocols: undefined } as TlsOptions), /it speaks TLS, but not HTTP\/2/],
    ['only HTTP/1.1', createTlsServer({ ...of(server), ALPNProtocols: ['http/1.1'] }), /it speaks TLS, but not HTTP\/2/],
    ['ssh', createServer((socket) => socket.write('SSH-2.0-OpenSSH_9.9\r\n')), /TLS was tried, and something answers "SSH-2/],
    ['closes at once', createServer((socket) => socket.end()), /TLS was tried, and the connection is closed without a word/],
  ]
  for (const [what, server, message] of servers) {
    const peer = await listening(t, server)
    t.match(await failureOf({ location: peer.location, cacert }), { code: 'KPIPE_SOURCE_PROTOCOL', message }, what)
    t.ok(peer.connections > 0, what)
  }
  const plain = await fakeEtcd()
  const secured = await fakeEtcd({}, of(server))
  t.teardown(() => Promise.all([plain.close(), secured.close()]))
  t.match(await failureOf({ location: `https://${plain.address}`, cacert }), {
    code: 'KPIPE_SOURCE_PROTOCOL',
    message: /TLS was tried, and this port speaks HTTP\/2 without TLS/,
  })
  t.match(await failureOf({ location: `http://${secured.address}` }), { code: 'KPIPE_SOURCE_PROTOCOL', message: /this port wants TLS/ })
})

t.test('a handshake that nobody answers is given up in time, or when the run ends', async (t) => {
  const peer = await listening(t, createServer())
  const failure = await failureOf({ location: peer.location, cacert, dialTimeout: 0.2 })
  t.match(failure, { code: 'KPIPE_SOURCE_UNREACHABLE', message: /no TLS handshake within 0\.\d+ s/ })
  const abort = new AbortController()
  const waiting = failureOf({ location: peer.location, cacert, dialTimeout: 600 }, reading(abort.signal))
  setImmediate(() => abort.abort(new Error('the run ends')))
  t.match(await waiting, { message: 'the run ends' })
  t.ok(peer.connections > 0)
})
