import t from 'tap'
import { etcdctlEnvironment } from '../src/etcdctl-environment.ts'

const tls = { ETCDCTL_CACERT: '/ca', ETCDCTL_CERT: '/cert', ETCDCTL_KEY: '/key' }
const values = (given: Record<string, unknown>, env: Record<string, string>) =>
  Object.fromEntries(Object.entries(etcdctlEnvironment(given, env)).map(([name, { value }]) => [name, value]))

t.test('everything that the file leaves out is filled, with the name of its variable', async (t) => {
  const env = { ETCDCTL_ENDPOINTS: 'https://a:1, b', ...tls, ETCDCTL_USER: 'root', ETCDCTL_PASSWORD: 'pw' }
  t.same(etcdctlEnvironment({}, env), {
    endpoints: { value: ['https://a:1', 'b'], variable: 'ETCDCTL_ENDPOINTS' },
    cacert: { value: '/ca', variable: 'ETCDCTL_CACERT' },
    cert: { value: '/cert', variable: 'ETCDCTL_CERT' },
    key: { value: '/key', variable: 'ETCDCTL_KEY' },
    username: { value: 'root', variable: 'ETCDCTL_USER' },
    password: { value: 'pw', variable: 'ETCDCTL_PASSWORD' },
  })
})

t.test('nothing that the file says is overridden or added to', async (t) => {
  const env = { ETCDCTL_ENDPOINTS: 'https://elsewhere', ...tls, ETCDCTL_USER: 'other:pw' }
  const given = { location: 'https://a', cacert: '/own', cert: '/own', key: '/own', username: 'root', password: 'own' }
  t.same(values(given, env), {})
  t.same(values({ endpoints: ['http://a'] }, { ...tls, ETCDCTL_ENDPOINTS: 'b' }), {}, 'an endpoint without TLS gets none')
  t.same(values({ dataDir: '/var/lib/etcd' }, env), {}, 'a stopped member has no endpoints')
})

t.test('a pair is filled as a pair', async (t) => {
  const location = 'https://a'
  t.same(values({ location }, { ETCDCTL_CERT: '/cert' }), {})
  t.same(values({ location, cert: '/own' }, { ETCDCTL_KEY: '/key' }), { key: '/key' })
  t.same(values({ location }, { ETCDCTL_USER: 'root' }), {}, 'a user without a password would be an error')
  t.same(values({ location }, { ETCDCTL_USER: 'root:a:b' }), { username: 'root', password: 'a:b' })
  t.same(values({ location, username: 'root' }, { ETCDCTL_USER: 'root:pw' }), { password: 'pw' })
  t.same(values({ location, username: 'me' }, { ETCDCTL_USER: 'root', ETCDCTL_PASSWORD: 'of root' }), {}, 'the password of another user')
  t.same(values({ location, username: 'me' }, { ETCDCTL_PASSWORD: 'mine' }), { password: 'mine' })
})

t.test('empty variables say nothing', async (t) => {
  t.same(values({}, { ETCDCTL_ENDPOINTS: ' , ', ETCDCTL_CACERT: '', ETCDCTL_USER: '', ETCDCTL_PASSWORD: '' }), {})
})
