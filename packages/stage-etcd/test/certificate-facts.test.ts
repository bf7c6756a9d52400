import { X509Certificate } from 'node:crypto'
import t from 'tap'
import { certificateAuthority } from './certificates.ts'
import { certificateFacts, clientName, expiringSoon } from '../src/certificate-facts.ts'

const notAfter = new Date('2036-03-04T05:06:07Z')
const authority = await certificateAuthority(t.testdir())
const certificate = new X509Certificate((await authority.sign({ commonName: 'backup user', notAfter })).pem)
const day = 86_400_000

t.test('facts tell until when certificates hold, and nothing of those that are not there', async (t) => {
  t.strictSame(certificateFacts(certificate, undefined), { certificate_not_after: '2036-03-04T05:06:07Z' })
  t.strictSame(certificateFacts(undefined, certificate), { server_certificate_not_after: '2036-03-04T05:06:07Z' })
  t.strictSame(certificateFacts(undefined, undefined), {})
})

t.test('thirty days before its end a certificate is told of', async (t) => {
  const facts = certificateFacts(certificate, certificate)
  const before = (days: number) => expiringSoon('a:1', facts, +notAfter - days * day)
  t.same(before(30), [])
  t.same(before(29.9), [
    'the client certificate for etcd at a:1 expires in 29 days, at 2036-03-04T05:06:07Z',
    'the certificate of etcd at a:1 expires in 29 days, at 2036-03-04T05:06:07Z',
  ])
  t.match(before(-1), [/expired at 2036/, /expired at 2036/])
  t.same(expiringSoon('a:1', {}), [])
})

t.test('the common name of a client certificate is the user', async (t) => {
  t.equal(clientName(certificate), 'user backup user (of the client certificate)')
  t.equal(clientName(undefined), undefined)
})
