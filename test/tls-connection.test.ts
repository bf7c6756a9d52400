import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { failureOf, reading } from '../packages/stage-etcd/test/reading.ts'
import { certificateAuthority } from '../packages/stage-etcd/test/certificates.ts'
import { getEtcd } from '../scripts/etcd/get-etcd.ts'
import { writeKeys } from '../scripts/etcd/keys.ts'
import { runTool } from '../scripts/etcd/run-tool.ts'
import { startEtcd } from '../scripts/etcd/start-etcd.ts'
import { alone } from './support/etcd.ts'
import { clone, nodes } from './support/kpipe.ts'
import { lastLine, place } from './support/place.ts'

const refused = { code: 'KPIPE_SOURCE_REFUSED' }
const folder = t.testdir()
const authority = await certificateAuthority(folder)
const stranger = await certificateAuthority(folder, 'another CA')
const server = await authority.sign({ commonName: 'server', names: ['127.0.0.1', 'etcd.example'] })
const client = await authority.sign({ commonName: 'backup' })
const mutual = { cacert: authority.certFile, cert: client.certFile, key: client.keyFile }

for (const line of ['3.4', '3.6'] as const) {
  t.test(`etcd ${line} that wants client certificates, at an IP address`, async (t) => {
    const { certFile, keyFile } = server
    const etcd = await startEtcd(await getEtcd({ version: line }), { tls: { certFile, keyFile, trustedCaFile: authority.certFile } })
    t.teardown(() => etcd.stop())
    await writeKeys(etcd.clientUrl, [['key', Buffer.alloc(100_000, 'value')]])
    const location = etcd.tlsUrl

    await t.test('a snapshot comes over mutual TLS, with facts of both certificates', async (t) => {
      const into = reading()
      const stream = await into.open({ location, ...mutual })
      t.equal((await into.all(stream)).length, stream.bytes)
      t.match(await stream.end(), { trailer_verified: true })
      await stream.close()
      t.match(stream.facts, { certificate_not_after: /^\d{4}-.*Z$/, server_certificate_not_after: /^\d{4}-.*Z$/, member_name: 'm1' })
      t.same(into.warnings, [])
    })

    await t.test('a client certificate that is missing or signed by nobody known is refused', async (t) => {
      const foreign = await stranger.sign({ commonName: 'foreign' })
      const { cacert } = mutual
      t.match(await failureOf({ location, cacert }), { ...refused, message: /a client certificate is wanted, and none was given/ })
      t.match(await failureOf({ location, cacert, cert: foreign.certFile, key: foreign.keyFile }), {
        ...refused,
        message:
          /the client certificate is refused \((bad certificate|unknown authority)\): .*foreign\.crt, CN=foreign, signed by CN=another CA/,
      })
    })

    await t.test('the certificate is checked against the address that is called, or serverName', async (t) => {
      t.match(await failureOf({ location: location.replace('127.0.0.1', 'localhost'), ...mutual }), {
        ...refused,
        message: /its certificate is for 127\.0\.0\.1, etcd\.example, not for localhost/,
      })
      const stream = await reading().open({ location, ...mutual, serverName: 'etcd.example' })
      await stream.close()
      t.match(await failureOf({ location, ...mutual, serverName: '127.0.0.2' }), { ...refused, message: /not for 127\.0\.0\.2/ })
    })

    await t.test('an authority that did not sign it is not taken, unless nothing is checked', async (t) => {
      const { certFile: cacert } = stranger
      t.match(await failureOf({ location, ...mutual, cacert }), {
        ...refused,
        message: /signed by CN=test CA, which is no authority that /,
      })
      const stream = await reading().open({ location, ...mutual, cacert, insecureSkipTlsVerify: true })
      await stream.close()
    })

    await t.test('TLS against plain and the reverse are told', async (t) => {
      const protocol = { code: 'KPIPE_SOURCE_PROTOCOL' }
      t.match(await failureOf({ location: location.replace('https', 'http') }), { ...protocol, message: /this port wants TLS/ })
      t.match(await failureOf({ location: etcd.clientUrl.replace('http', 'https'), ...mutual }), {
        ...protocol,
        message: /TLS was tried, and this port speaks HTTP\/2 without TLS/,
      })
    })

    await t.test('files are read again for each connection', async (t) => {
      const rotated = { cacert: mutual.cacert, cert: join(folder, 'rotated.crt'), key: join(folder, 'rotated.key') }
      const put = ({ certFile: cert, keyFile: key }: typeof client) => {
        copyFileSync(cert, rotated.cert)
        copyFileSync(key, rotated.key)
      }
      put(await stranger.sign({ commonName: 'foreign' }))
      t.match(await failureOf({ location, ...rotated }), refused)
      put(client)
      const stream = await reading().open({ location, ...rotated })
      await stream.close()
    })

    await t.test('Node 24 reads it as well, and lets go', async (t) => {
      const script = join(clone, 'packages/stage-etcd/test/read-once.ts')
      const args = ['-u', 'NODE_OPTIONS', nodes[24], '--conditions=kpipe-source', script, JSON.stringify({ location, ...mutual })]
      const told = JSON.parse(await runTool('env', args)) as { node: string; bytes: number; resources: string[] }
      t.match(told, { node: /^24\./, resources: [] })
      t.ok(told.bytes > 100_000)
    })

    await t.test('kpipe backs it up on both Nodes, and ends with 69 where it is refused', async (t) => {
      const source = (settings: object) => JSON.stringify({ use: 'etcd', with: { location, ...settings } })
      const made = await place(t, source(mutual))
      for (const node of [24, 26] as const) {
        const ended = await made.kpipe(['run', 'backup.yaml', '--json'], { node })
        t.equal(ended.code, 0, ended.stderr)
        t.match(lastLine(ended), { message_type: 'summary', trailer_verified: true })
      }
      made.pipeline(source({ cacert: mutual.cacert }), '', 'refused.yaml')
      const { code, stderr } = await made.kpipe(['run', 'refused.yaml'], { node: 24 })
      t.equal(code, 69)
      t.match(stderr, /a client certificate is wanted, and none was given/)
      made.pipeline(source({ ...mutual, key: 'none.key' }), '', 'missing.yaml')
      const missing = await made.kpipe(['run', 'missing.yaml'])
      t.equal(missing.code, 78)
      t.match(missing.stderr, /none\.key \(key\) cannot be read \(ENOENT\)/)
    })
  })
}

for (const line of ['3.4', '3.5', '3.6', '3.7'] as const) {
  t.test(`etcd ${line} whose certificate expired, or is for another address`, async (t) => {
    const past = new Date('2020-02-02T02:02:02Z')
    const wrong = [
      [
        await authority.sign({ commonName: 'expired', names: ['127.0.0.1'], notBefore: new Date('2019-01-01'), notAfter: past }),
        /its certificate expired at 2020-02-02T02:02:02Z/,
      ],
      [await authority.sign({ commonName: 'elsewhere', names: ['10.0.0.9'] }), /its certificate is for 10\.0\.0\.9, not for 127\.0\.0\.1/],
    ] as const
    for (const [{ certFile, keyFile }, message] of wrong) {
      const etcd = await startEtcd(await getEtcd({ version: line }), { tls: { certFile, keyFile }, extraArgs: alone })
      t.match(await failureOf({ location: etcd.tlsUrl, cacert: authority.certFile }), { ...refused, message })
      await etcd.stop()
    }
  })
}
