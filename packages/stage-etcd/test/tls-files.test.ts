import { X509Certificate } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { certificateAuthority } from './certificates.ts'
import { outsideOfTime, readTlsFiles } from '../src/tls-files.ts'

const folder = t.testdir()
const authority = await certificateAuthority(folder)
const client = await authority.sign({ commonName: 'client' })
const other = await authority.sign({ commonName: 'other' })
const invalid = { code: 'KPIPE_PIPELINE_INVALID' }

function file(name: string, content: string): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

t.test('authorities, client certificate and key are read, text around them included', async (t) => {
  const bundle = file('bundle.crt', `two of them\n${authority.pem}${client.pem}`)
  const files = await readTlsFiles({ cacert: bundle, cert: client.certFile, key: client.keyFile })
  t.same(
    files.authorities?.list.map(({ subject }) => subject),
    ['CN=test CA', 'CN=client'],
  )
  t.equal(files.client?.certificates.list[0].subject, 'CN=client')
  t.same(await readTlsFiles({}), { authorities: undefined, client: undefined })
})

t.test('files are read anew each time', async (t) => {
  const [cert, key] = [file('rotated.crt', client.pem), file('rotated.key', client.keyPem)]
  t.equal((await readTlsFiles({ cert, key })).client?.certificates.list[0].subject, 'CN=client')
  file('rotated.crt', other.pem)
  file('rotated.key', other.keyPem)
  t.equal((await readTlsFiles({ cert, key })).client?.certificates.list[0].subject, 'CN=other')
})

t.test('what is wrong with a file is told with its path and its setting, and never with what it holds', async (t) => {
  const { certFile: cert, keyFile: key } = client
  const secret = client.keyPem.split('\n')[1]
  const cases: [settings: Parameters<typeof readTlsFiles>[0], RegExp][] = [
    [{ cacert: join(folder, 'none.crt') }, /none\.crt \(cacert\) cannot be read \(ENOENT\)/],
    [{ cert: folder, key }, /\(cert\) cannot be read \(EISDIR\)/],
    [{ cert, key: join(folder, 'none.key') }, /none\.key \(key\) cannot be read \(ENOENT\)/],
    [{ cert, key: file('empty.key', '') }, /empty\.key \(key\) holds no private key in PEM/],
    [{ cert, key: cert }, /client\.crt \(key\) holds no private key in PEM/],
    [{ cert: key, key }, /client\.key \(cert\) holds no certificate in PEM, but a key/],
    [{ cacert: file('empty.crt', '') }, /empty\.crt \(cacert\) holds no certificate in PEM$/],
    [{ cacert: file('torn.crt', client.pem.replace(/^(.*\n.*\n).*\n/, '$1')) }, /torn\.crt \(cacert\) holds a malformed certificate/],
    [{ cert, key: file('torn.key', client.keyPem.replace(/\n[^-]{20}/, '\n')) }, /torn\.key \(key\) holds a malformed key/],
    [{ cert, key: other.keyFile }, /other\.key \(key\) is not the key of the certificate in .*client\.crt/],
    [{ cert, key: file('locked.key', client.keyPem.replaceAll('PRIVATE', 'ENCRYPTED PRIVATE')) }, /locked with a password/],
    [{ cert }, /has the setting cert without key/],
    [{ key }, /has the setting key without cert/],
  ]
  const weak = await authority.sign({ commonName: 'weak', rsaBits: 512 })
  cases.push([{ cert: weak.certFile, key: weak.keyFile }, /weak\.crt \(cert\) cannot be used: ee key too small/])
  for (const [settings, message] of cases) {
    await t.rejects(readTlsFiles(settings), { ...invalid, message }, String(message))
    const told = await readTlsFiles(settings).catch(
      ({ message: text, details }: Error & { details: object }) => text + JSON.stringify(details),
    )
    t.notOk(String(told).includes(secret))
  }
})

t.test('a client certificate that is out of its time is told before anybody is called', async (t) => {
  const day = 86_400_000
  const [past, future] = [new Date('2020-02-02T02:02:02Z'), new Date(Math.ceil(Date.now() / 1000) * 1000 + day)]
  const expired = await authority.sign({ commonName: 'expired', notBefore: new Date(+past - day), notAfter: past })
  const early = await authority.sign({ commonName: 'early', notBefore: future, notAfter: new Date(+future + day) })
  const refused = { code: 'KPIPE_SOURCE_REFUSED' }
  await t.rejects(readTlsFiles({ cert: expired.certFile, key: expired.keyFile }), {
    ...refused,
    message: /expired\.crt \(cert\) expired at 2020-02-02T02:02:02Z/,
  })
  const notBefore = future.toISOString().replace('.000Z', 'Z')
  await t.rejects(readTlsFiles({ cert: early.certFile, key: early.keyFile }), {
    ...refused,
    message: new RegExp(`early\\.crt \\(cert\\) is not valid before ${notBefore}`),
  })
  t.equal(outsideOfTime(new X509Certificate(expired.pem), past), undefined)
})
