import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer as httpServer } from 'node:http'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { test, type Test } from 'tap'
import { getEtcd } from '../scripts/etcd/get-etcd.ts'
import { freePorts } from '../scripts/etcd/free-ports.ts'
import { startEtcd, type RunningEtcd } from '../scripts/etcd/start-etcd.ts'
import { blobMessage, fakeEtcd, snapshotMessages } from '../packages/stage-etcd/test/fake-etcd.ts'
import { writeKeys } from './support/etcd.ts'
import { fails, told } from './support/failing.ts'
import { meanwhile } from './support/kpipe.ts'
import { filesWith, lastLine, place } from './support/place.ts'
import { until } from './support/processes.ts'
import { tcpProxy } from './support/tcp-proxy.ts'

const canary = 'CANARY-a81f03cc52d94f17'
const sourceOf = (endpoints: readonly string[], more = '') => `{ use: etcd, with: { endpoints: [${endpoints.join(', ')}]${more} } }`

/** An etcd with more bytes than all buffers between it and kpipe can hold; every page of its values has the canary. */
async function largeEtcd(t: Test): Promise<RunningEtcd> {
  const etcd = await startEtcd(await getEtcd({ version: '3.6' }), { extraArgs: ['--unsafe-no-fsync'] })
  t.teardown(() => etcd.stop())
  const value = () => Buffer.concat(Array.from({ length: 300 }, () => Buffer.concat([Buffer.from(canary), randomBytes(4000)])))
  for (let n = 0; n < 48; n++) await writeKeys(etcd.clientUrl, [[`big/${n}`, value()]])
  return etcd
}

async function listening(t: Test, server: Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('no etcd at any address: each one is named with what was seen there', async (t) => {
  const [one, two] = (await freePorts(2)).map((port) => `127.0.0.1:${port}`) as [string, string]
  const at = await place(t, sourceOf([one, two]))
  const says = [`etcd at ${one}: connection refused`, `etcd at ${two}: connection refused`]
  await fails(t, at, ['run'], { code: 'KPIPE_SOURCE_UNREACHABLE', says, hint: /Check that etcd runs there/ })
  const json = await at.kpipe(['run', '--json'])
  t.match(lastLine(json), {
    message_type: 'error',
    code: 'KPIPE_SOURCE_UNREACHABLE',
    exit_code: 69,
    message: `etcd at ${one}: connection refused`,
    hint: /Check/,
  })
})

test('a port that speaks something else says what answered there', async (t) => {
  const http = await listening(
    t,
    httpServer((_request, response) => response.end('hello')),
  )
  const ftp = await listening(
    t,
    createServer((socket) => socket.on('error', () => {}).write('220 ftp.example ready\r\n')),
  )
  const mute = await listening(
    t,
    createServer((socket) => socket.on('error', () => {})),
  )
  const cases = [
    [http, /HTTP\/1/],
    [ftp, /220 ftp\.example ready/],
    [mute, /nothing answers/],
  ] as const
  for (const [address, seen] of cases) {
    const at = await place(t, sourceOf([address], ', dialTimeout: 1'))
    await fails(t, at, ['run'], { code: 'KPIPE_SOURCE_PROTOCOL', says: [`etcd at ${address}`, seen], hint: /client port of an etcd/ })
  }
})

test('an etcd that is killed in mid-stream', async (t) => {
  const etcd = await largeEtcd(t)
  const proxy = await tcpProxy(t, etcd.clientUrl)
  const at = await place(t, sourceOf([proxy.address]))
  const before = await at.traces()
  const held = proxy.holdAfter(8 << 20)
  const { ended } = at.spawn(['run'])
  await meanwhile(held, ended)
  etcd.kill('SIGKILL')
  await etcd.exited
  proxy.release()
  told(t, await ended, {
    code: 'KPIPE_SOURCE_DIED',
    says: [`snapshot from etcd at ${proxy.address}`, /after \d+ of \d{8} bytes/],
    hint: /Nothing was published: check that etcd is up/,
  })
  t.same(await at.traces(), before, 'nothing is left behind')
  t.same(filesWith(at.folder, canary), [], 'nothing is anywhere in clear')
  t.match((await at.log()).at(-1), { kind: 'ABORT', reason: /snapshot from etcd/ })
})

test('a large etcd behind a bad network', async (t) => {
  const etcd = await largeEtcd(t)

  await t.test('the second endpoint is used when the first is down', async (t) => {
    const [down] = await freePorts(1)
    const at = await place(t, sourceOf([`127.0.0.1:${down}`, etcd.clientUrl]))
    const { code, stdout, stderr } = await at.kpipe(['run', '--json'])
    t.equal(code, 0, stderr)
    t.match(lastLine({ stdout, stderr }), { message_type: 'summary', trailer_verified: true })
    t.match(stderr, `etcd at 127.0.0.1:${down}: connection refused`)
    t.same(filesWith(at.at('repository'), canary), [])
  })

  await t.test('a stream that stalls is given up, and etcd is let go', async (t) => {
    const proxy = await tcpProxy(t, etcd.clientUrl)
    const at = await place(t, sourceOf([proxy.address], ', idleTimeout: 1'))
    const before = await at.traces()
    const held = proxy.holdAfter(8 << 20)
    const { ended } = at.spawn(['run'])
    await meanwhile(held, ended)
    told(t, await ended, {
      code: 'KPIPE_SOURCE_STALLED',
      says: [`snapshot from etcd at ${proxy.address}`, /no progress within 1 s after \d+ of \d{8} bytes/],
      hint: /load of etcd and of the network/,
    })
    await until('the connection is closed', () => proxy.open === 0)
    t.same(await at.traces(), before)
    proxy.release()
    t.equal((await at.kpipe(['run', '-q'])).code, 0, 'and the next run works')
  })

  await t.test('a byte that changes on the way does not match the trailer', async (t) => {
    const proxy = await tcpProxy(t, etcd.clientUrl)
    proxy.flipIn(canary)
    const at = await place(t, sourceOf([proxy.address]))
    await fails(t, at, ['run'], {
      code: 'KPIPE_TRAILER_MISMATCH',
      says: [`snapshot from etcd at ${proxy.address} ends with a digest that does not match its`],
      hint: /Nothing was published: run it again/,
    })
    t.equal(proxy.flipped, 1)
    t.match((await at.log()).at(-1), { kind: 'ABORT' })
    t.equal((await at.kpipe(['run', '-q'])).code, 0, 'and the next run, over a sound line, works')
  })
})

test('a server that breaks the rules of the stream: too short, wrong trailer, empty blobs for ever', async (t) => {
  const data = randomBytes(300_000)
  const sizes = [100_000, 100_000]
  const whole = snapshotMessages(data, sizes)
  const wrong = snapshotMessages(data, sizes, randomBytes(32))
  const cases = [
    [whole.slice(0, -1), 'KPIPE_SIZE_MISMATCH', /etcd ended the stream after 300000 of 300032 bytes/],
    [wrong, 'KPIPE_TRAILER_MISMATCH', /a digest that does not match its 300000 bytes/],
    [
      [whole[0]!, ...Array.from({ length: 40 }, () => blobMessage(200_000, Buffer.alloc(0)))],
      'KPIPE_SOURCE_STALLED',
      /empty blobs in a row/,
    ],
  ] as const
  for (const [messages, code, seen] of cases) {
    const etcd = await fakeEtcd({
      async snapshot(call) {
        for (const message of messages) await call.write(message)
        call.end()
      },
    })
    t.teardown(() => etcd.close())
    const at = await place(t, sourceOf([etcd.address]))
    await fails(t, at, ['run'], { code, says: [`etcd at ${etcd.address}`, seen], hint: /Nothing was published/ })
    t.equal(etcd.played, 1)
  }
})
