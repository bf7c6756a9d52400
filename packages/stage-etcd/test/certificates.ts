import 'reflect-metadata' // what the next one stands on
import * as x509 from '@peculiar/x509'
import { chmodSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const dayMs = 86_400_000

/** A certificate with its key, in memory and as files of PEM text. */
export interface Certificate {
  readonly pem: string
  readonly keyPem: string
  readonly certFile: string
  readonly keyFile: string
}

export interface CertificateOptions {
  /** Also the names of the files, unless `file` is given. */
  readonly commonName: string
  readonly file?: string
  /** DNS names and IP addresses; none makes a certificate of a client. */
  readonly names?: readonly string[]
  /** Bits of an RSA key in place of one on P-256. */
  readonly rsaBits?: number
  readonly notBefore?: Date
  readonly notAfter?: Date
}

/** An authority for tests: what it signs lies in its folder, and its own certificate with it. */
export interface Authority extends Certificate {
  sign(options: CertificateOptions): Promise<Certificate>
}

export async function certificateAuthority(
  folder: string,
  commonName = 'test CA',
  lifetime: Pick<CertificateOptions, 'notBefore' | 'notAfter'> = {},
): Promise<Authority> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const own = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${commonName}`,
    keys,
    ...period({ commonName, ...lifetime }),
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return {
    ...(await written(folder, commonName, own, keys.privateKey)),
    async sign(options) {
      const rsa = {
        name: 'RSASSA-PKCS1-v1_5',
        hash: 'SHA-256',
        publicExponent: Uint8Array.of(1, 0, 1),
        modulusLength: options.rsaBits ?? 0,
      }
      const subject = await crypto.subtle.generateKey(options.rsaBits === undefined ? algorithm : rsa, true, ['sign', 'verify'])
      const certificate = await x509.X509CertificateGenerator.create({
        subject: `CN=${options.commonName}`,
        issuer: own.subject,
        publicKey: subject.publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: algorithm,
        ...period(options),
        extensions: await extensionsOf(options, keys.publicKey),
      })
      return written(folder, options.file ?? options.commonName, certificate, subject.privateKey)
    },
  }
}

const period = ({ notBefore = new Date(Date.now() - dayMs), notAfter = new Date(Date.now() + 365 * dayMs) }: CertificateOptions) => ({
  notBefore,
  notAfter,
})

async function extensionsOf({ names }: CertificateOptions, issuer: CryptoKey): Promise<x509.Extension[]> {
  // etcd calls itself with its server's certificate, so that one is a client's as well.
  const usages = [x509.ExtendedKeyUsage.clientAuth, ...(names === undefined ? [] : [x509.ExtendedKeyUsage.serverAuth])]
  return [
    new x509.BasicConstraintsExtension(false),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension(usages),
    await x509.AuthorityKeyIdentifierExtension.create(issuer),
    ...(names === undefined
      ? []
      : [new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: isIP(value) ? 'ip' : 'dns', value })))]),
  ]
}

async function written(folder: string, name: string, certificate: x509.X509Certificate, key: CryptoKey): Promise<Certificate> {
  const pem = `${certificate.toString('pem')}\n`
  const keyPem = `${x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`
  const file = join(folder, name.replaceAll(' ', '-'))
  const [certFile, keyFile] = [`${file}.crt`, `${file}.key`]
  writeFileSync(certFile, pem)
  writeFileSync(keyFile, keyPem, { mode: 0o600 })
  chmodSync(keyFile, 0o600)
  return { pem, keyPem, certFile, keyFile }
}
