import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import t, { type Test } from 'tap'
import { openChannel } from '../src/channel.ts'
import { parseEndpoint } from '../src/endpoint.ts'
import { methods } from '../src/etcd-messages.ts'
import { fakeEtcd } from './fake-etcd.ts'
import { failureOf, reading } from './reading.ts'

/** A server for connections, counted; closed with the test. */
async function listening(t: Test, server: Server): Promise<{ address: string; readonly connections: number }> {
  const sockets = new Set<Socket>()
  let connections = 0
  server.on('connection', (socket: Socket) => {
    connections += 1
    sockets.add(socket)
    socket.on('error', () => {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    get connections() {
      return connections
    },
  }
}

t.test('what speaks something else than HTTP/2 is told by what it said', async (t) => {
  const tlsAlert = Buffer.from('15030100020246', 'hex')
  const servers: [string, Server, RegExp][] = [
    ['ssh', createServer((socket) => socket.write('SSH-2.0-OpenSSH_9.9\r\n')), /something answers "SSH-2.0-OpenSSH_9.9"/],
    ['HTTP/1', createHttpServer(), /an HTTP\/1 server answers "HTTP\/1.1 400 Bad Request"/],
    ['TLS that alerts', createServer((socket) => socket.once('data', () => socket.end(tlsAlert))), /this port wants TLS/],
    ['TLS of OpenSSL', createTlsServer({}), /this port wants TLS/],
    ['closes at once', createServer((socket) => socket.end()), /the connection is closed without a word/],
    ['resets', createServer((socket) => socket.resetAndDestroy()), /closed without a word|reset/],
    ['binary', createServer((socket) => socket.write(Buffer.alloc(64, 0xfe))), /answers with the bytes fefefefe/],
  ]
  for (const [what, server, seen] of servers) {
    const peer = await listening(t, server)
    const failure = await failureOf({ endpoints: [peer.address] })
    t.match(failure, { message: seen, details: { endpoint: peer.address } }, what)
    t.match(failure.code, /^KPIPE_SOURCE_(PROTOCOL|UNREACHABLE)$/, what)
    t.ok(peer.connections > 0, what)
  }
})

t.test('a port that takes the connection and says nothing is given up in time', async (t) => {
  const peer = await listening(t, createServer())
  const failure = await failureOf({ endpoints: [peer.address], dialTimeout: 0.1 })
  t.match(failure, { code: 'KPIPE_SOURCE_PROTOCOL', message: /connection stands and nothing answers within 0.1 s/ })
  t.equal(peer.connections, 1)
})

t.test('a host that lets connections wait is given up in time, or when the run ends', async (t) => {
  // A stopped process with a full queue: the kernel leaves further connections without an answer.
  const script =
    "const s = require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(s.address().port))"
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, NODE_OPTIONS: '' } })
  t.teardown(() => child.kill('SIGKILL'))
  const [port] = await once(child.stdout, 'data')
  child.kill('SIGSTOP')
  const address = `127.0.0.1:${Number(port)}`
  const waiting = Array.from({ length: 8 }, () => connect(Number(port), '127.0.0.1').on('error', () => {}))
  t.teardown(() => waiting.forEach((socket) => socket.destroy()))
  await once(waiting[0], 'connect')

  const failure = await failureOf({ endpoints: [address], dialTimeout: 0.2 })
  t.match(failure, { code: 'KPIPE_SOURCE_UNREACHABLE', message: `etcd at ${address}: no connection within 0.2 s` })
  const abort = new AbortController()
  setImmediate(() => abort.abort(new Error('the run ends')))
  t.match(await failureOf({ endpoints: [address], dialTimeout: 600 }, reading(abort.signal)), { message: 'the run ends' })
})

t.test('an address without a server, and a name without an address, are unreachable', async (t) => {
  t.match(await failureOf({ endpoints: ['127.0.0.1:1'] }), {
    code: 'KPIPE_SOURCE_UNREACHABLE',
    message: /127\.0\.0\.1:1: connection refused/,
  })
  t.match(await failureOf({ endpoints: ['no-such-host.invalid:2379'] }), { code: 'KPIPE_SOURCE_UNREACHABLE', message: /host name/ })
})

t.test('a server that dies while it is called is unreachable, with its address once', async (t) => {
  for (const tls of [false, true]) {
    const server = createServer((socket) => {
      server.close()
      socket.destroy()
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`
    t.match(await failureOf({ endpoints: [tls ? `https://${address}` : address] }), {
      code: 'KPIPE_SOURCE_UNREACHABLE',
      message: `etcd at ${address}: connection refused`,
    })
    t.equal(server.listening, false)
  }
})

t.test('a call on a connection that is gone is lost, and closing twice is no fault', async (t) => {
  const etcd = await fakeEtcd()
  t.teardown(() => etcd.close())
  const channel = await openChannel(parseEndpoint(etcd.address), { dialTimeoutMs: 5000, signal: new AbortController().signal })
  await channel.close()
  await channel.close()
  t.match(await channel.call(methods.status, new Uint8Array()).next(1000), { kind: 'lost', seen: 'the connection was closed' })
  t.same(etcd.asked, [])
})
