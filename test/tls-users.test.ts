import t from 'tap'
import { openChannel } from '../packages/stage-etcd/src/channel.ts'
import { parseEndpoint } from '../packages/stage-etcd/src/endpoint.ts'
import {
  decodeAuthenticate,
  decodeStatus,
  encodeAuthenticateRequest,
  encodeHashKvRequest,
  decodeHashKv,
  methods,
} from '../packages/stage-etcd/src/etcd-messages.ts'
import { ask } from '../packages/stage-etcd/src/unary.ts'
import { failureOf, reading } from '../packages/stage-etcd/test/reading.ts'
import { certificateAuthority } from '../packages/stage-etcd/test/certificates.ts'
import { getEtcd } from '../scripts/etcd/get-etcd.ts'
import { startEtcd } from '../scripts/etcd/start-etcd.ts'
import { enableAuth, etcdctlAsRoot, rootUser } from '../scripts/etcd/users.ts'
import { emptyPlace } from './support/place.ts'

const refused = { code: 'KPIPE_SOURCE_REFUSED' }
const authority = await certificateAuthority(t.testdir())
const server = await authority.sign({ commonName: 'server', names: ['127.0.0.1'] })
const root = { username: rootUser.name, password: rootUser.password }
const limited = { username: 'limited', password: 'limited-77aa' }
const tls = { certFile: server.certFile, keyFile: server.keyFile, trustedCaFile: authority.certFile }
const options = { dialTimeoutMs: 5000, signal: new AbortController().signal }

for (const line of ['3.4', '3.6'] as const) {
  t.test(`etcd ${line} with users`, async (t) => {
    const etcd = await startEtcd(await getEtcd({ version: line }), { tls, extraArgs: ['--auth-token-ttl=1'] })
    t.teardown(() => etcd.stop())
    await enableAuth(etcd, { limited: { password: limited.password }, operator: { root: true }, reader: {} })
    const [operator, reader, nobody] = await Promise.all(
      ['operator', 'reader', 'not a user'].map((commonName) => authority.sign({ commonName })),
    )
    const as = ({ certFile: cert, keyFile: key }: typeof operator) => ({ location: etcd.tlsUrl, cacert: authority.certFile, cert, key })
    const plain = { location: etcd.clientUrl }
    const snapshotOf = async (settings: Parameters<typeof failureOf>[0]) => {
      const into = reading()
      const stream = await into.open(settings)
      const bytes = await into.all(stream)
      await stream.close()
      t.same(into.warnings, [])
      return bytes.length === stream.bytes
    }

    await t.test('the user root takes a snapshot, with TLS and without', async (t) => {
      t.ok(await snapshotOf({ ...plain, ...root }))
      t.ok(await snapshotOf({ ...as(reader), ...root }), 'the token wins over the certificate')
    })

    await t.test('a client certificate stands in for user and password', async (t) => {
      t.ok(await snapshotOf(as(operator)))
      const message = /user reader \(of the client certificate\) is not permitted to call Snapshot, which needs the role root/
      t.match(await failureOf(as(reader)), { ...refused, message })
      const unknown = /user not a user \(of the client certificate\) (does not exist|is not permitted to call Snapshot)/
      t.match(await failureOf(as(nobody)), { ...refused, message: unknown })
    })

    await t.test('a user without the role root, a wrong password and no user are told apart', async (t) => {
      for (const where of [plain, as(operator)]) {
        const wrong = { ...root, password: 'hunter2' }
        const failures = {
          role: await failureOf({ ...where, ...limited }),
          password: await failureOf({ ...where, ...wrong }),
          user: await failureOf({ ...where, username: 'nobody', password: 'hunter2' }),
        }
        t.match(failures.role, {
          ...refused,
          message: /user limited is not permitted to call Snapshot, which needs the role root: \w+ ".*permission denied"/,
        })
        t.match(failures.password, { ...refused, message: /user root does not exist or has another password/ })
        t.match(failures.user, { ...refused, message: /user nobody does not exist or has another password/ })
        t.notMatch(JSON.stringify(Object.values(failures).map(({ message, details }) => [message, details])), /hunter2|limited-77aa/)
      }
      t.match(await failureOf(plain), { ...refused, message: /authentication is on, and no user was given: \w+ "\w+: user name is empty"/ })
    })

    await t.test('a token that has expired is renewed once and unseen', async (t) => {
      const endpoint = parseEndpoint(etcd.clientUrl)
      const bare = await openChannel(endpoint, options)
      const signed = await openChannel(endpoint, { ...options, credentials: root })
      t.teardown(() => Promise.all([bare.close(), signed.close()]))
      const hash = (channel: typeof bare) => ask(channel, methods.hashKv, encodeHashKvRequest(0), decodeHashKv, 5000)
      const before = await hash(signed)
      // Tokens live for a second after their last use; this one was made later than that of the channel.
      const request = encodeAuthenticateRequest(root.username, root.password)
      const token = await ask(bare, methods.authenticate, request, decodeAuthenticate, 5000)
      await refusal(() => hash({ ...bare, call: (path, message) => bare.call(path, message, { token }) }))
      t.equal((await hash(signed)).hash, before.hash)
    })

    await t.test('a token that dies with a change of its user is renewed', async (t) => {
      const channel = await openChannel(parseEndpoint(etcd.clientUrl), { ...options, credentials: limited })
      t.teardown(() => channel.close())
      await ask(channel, methods.status, new Uint8Array(), decodeStatus, 5000)
      await etcdctlAsRoot(etcd, 'user', 'grant-role', limited.username, 'root')
      await ask(channel, methods.hashKv, encodeHashKvRequest(0), decodeHashKv, 5000)
      await etcdctlAsRoot(etcd, 'user', 'revoke-role', limited.username, 'root')
    })

    await t.test('kpipe takes the password from the environment and shows it nowhere', async (t) => {
      const source = (username: string) =>
        `{ use: etcd, with: { location: '${etcd.clientUrl}', username: ${username}, password: '\${env:ETCD_PASSWORD}' } }`
      const made = emptyPlace(t)
      made.pipeline(source('root'))
      t.equal((await made.kpipe(['init', '--no-recovery-phrase'], { env: { ETCD_PASSWORD: root.password } })).code, 0)
      const good = await made.kpipe(['run', 'backup.yaml', '--json'], { env: { ETCD_PASSWORD: root.password } })
      t.equal(good.code, 0, good.stderr)
      const wrong = await made.kpipe(['run', 'backup.yaml', '-vv'], { env: { ETCD_PASSWORD: 'hunter2' } })
      t.equal(wrong.code, 69)
      t.match(wrong.stderr, /user root does not exist or has another password/)
      t.notMatch([good, wrong].map(({ stdout, stderr }) => stdout + stderr).join(), new RegExp(`hunter2|${root.password}`))
      const stages = JSON.stringify(await made.log(), (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
      t.notMatch(stages, new RegExp(root.password))
    })
  })
}

/** Asks until it is refused, more seldom than a token needs to expire. */
async function refusal(question: () => Promise<unknown>): Promise<void> {
  for (let attempt = 0; attempt < 10; attempt += 1) {
    await new Promise((resolve) => setTimeout(resolve, 2500))
    const failure = await question().then(
      () => undefined,
      (error: Error) => error,
    )
    if (failure !== undefined) return void t.match(failure, { message: /token of nobody was refused|invalid auth token/ })
  }
  throw new Error('the token never expires')
}
