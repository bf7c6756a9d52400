import t from 'tap'
import { endpointsOf, parseEndpoint } from '../src/endpoint.ts'

t.test('every way to write an address gives host, port and whether it is TLS', async (t) => {
  const cases: [string, string, number, boolean][] = [
    ['10.0.0.11', '10.0.0.11', 2379, false],
    ['10.0.0.11:4001', '10.0.0.11', 4001, false],
    ['etcd://node1:2379', 'node1', 2379, false],
    ['etcd://node1', 'node1', 2379, false],
    ['etcd+http://node1:80/', 'node1', 80, false],
    ['http://node1:80', 'node1', 80, false],
    ['http://node1', 'node1', 2379, false],
    ['HTTP://node1', 'node1', 2379, false],
    ['https://node1:443', 'node1', 443, true],
    ['etcd+https://node1', 'node1', 2379, true],
    ['[::1]:2379', '::1', 2379, false],
    ['etcd://[fd00::1]', 'fd00::1', 2379, false],
  ]
  for (const [text, host, port, tls] of cases) {
    const endpoint = parseEndpoint(text)
    t.same([endpoint.host, endpoint.port, endpoint.tls], [host, port, tls], text)
  }
  t.equal(parseEndpoint('[::1]').address, '[::1]:2379')
})

t.test('a Unix socket is named by its path, as it stands', (t) => {
  const [plain, secure] = ['unix:///run/etcd/a%20b?.sock', 'UNIXS:///run/c:1'].map((text) => parseEndpoint(text))
  t.match(plain, { address: 'unix:///run/etcd/a%20b?.sock', host: 'localhost', socket: '/run/etcd/a%20b?.sock', tls: false })
  t.match(secure, { address: 'unixs:///run/c:1', socket: '/run/c:1', tls: true })
  t.equal(parseEndpoint('http://node1').socket, undefined)
  t.end()
})

t.test('what is no address is refused with what was seen', async (t) => {
  const cases: [string, RegExp][] = [
    ['ftp://node1', /scheme ftp:\/\//],
    ['etcd://', /no host/],
    ['', /no host/],
    ['node1:99999', /no host and port/],
    ['node1:0', /port 0/],
    ['etcd://node1/path', /only host and port/],
    ['etcd://node1?x=1', /only host and port/],
    ['a b', /no host and port/],
    ['unix://client:1', /begins with \//],
    [`unix:///${'a'.repeat(107)}`, /at most 107 bytes, and this one 108/],
    ['unix://', /begins with \//],
  ]
  for (const [text, seen] of cases) t.throws(() => parseEndpoint(text), { code: 'KPIPE_PIPELINE_INVALID', message: seen }, text)
})

t.test('a password in an address is refused and not repeated', async (t) => {
  try {
    parseEndpoint('etcd://root:hunter2@node1')
    t.fail('it was taken')
  } catch (error) {
    t.match(error, { code: 'KPIPE_PIPELINE_INVALID', message: /user/ })
    t.notMatch(String(error), /hunter2/)
  }
})

t.test('endpoints win over location, in their order', async (t) => {
  const endpoints = endpointsOf({ location: 'etcd://a', endpoints: ['c', 'http://b:1'] })
  t.same(
    endpoints.map((endpoint) => endpoint.address),
    ['c:2379', 'b:1'],
  )
  t.equal(endpointsOf({ location: 'etcd://a' })[0].address, 'a:2379')
})

t.test('neither location nor endpoints is a fault of the pipeline', async (t) => {
  t.throws(() => endpointsOf({}), { code: 'KPIPE_PIPELINE_INVALID', message: /neither location nor endpoints/ })
})

t.test('an address without a scheme has TLS when anything of TLS is set, or location has it', async (t) => {
  const tlsOf = (settings: Parameters<typeof endpointsOf>[0]) => endpointsOf(settings).map((endpoint) => endpoint.tls)
  t.same(tlsOf({ endpoints: ['a', 'b:1'] }), [false, false])
  t.same(tlsOf({ endpoints: ['a', 'http://b', 'https://c'], cacert: '/ca.crt' }), [true, false, true])
  t.same(tlsOf({ endpoints: ['a'], insecureSkipTlsVerify: true }), [true])
  t.same(tlsOf({ endpoints: ['a'], insecureSkipTlsVerify: false }), [false])
  t.same(tlsOf({ endpoints: ['a', 'http://b'], location: 'etcd+https://c' }), [true, false])
})

t.test('settings of TLS that no endpoint would use are a fault of the pipeline', async (t) => {
  const invalid = { code: 'KPIPE_PIPELINE_INVALID' }
  t.throws(() => endpointsOf({ location: 'etcd://a', cacert: '/ca.crt', key: '/a.key' }), {
    ...invalid,
    message: /has the setting cacert, key, but etcd:\/\/a is without TLS/,
  })
  t.throws(() => endpointsOf({ endpoints: ['http://a', 'http://b'], serverName: 'c' }), {
    ...invalid,
    message: /all endpoints are without TLS/,
  })
})
