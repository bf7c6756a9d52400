import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import { KpipeError, type KpipeErrorCode } from '@kpipe/engine/contracts'

/** How the far end is recognised, and how this end shows itself. Paths are absolute. */
export interface TlsSettings {
  readonly cacert?: string
  readonly cert?: string
  readonly key?: string
  /** What the server's certificate must be for, in place of the endpoint's host. */
  readonly serverName?: string
  readonly insecureSkipTlsVerify?: boolean
}

/** What the files held when they were read. */
export interface TlsFiles {
  /** Undefined leaves it to the authorities that Node trusts. */
  readonly authorities: PemCertificates | undefined
  readonly client: { readonly certificates: PemCertificates; readonly key: string } | undefined
}

export interface PemCertificates {
  readonly file: string
  readonly pem: string
  /** In the order of the file, at least one. */
  readonly list: readonly X509Certificate[]
}

/**
 * Reads the files anew, as every connection does: certificates are replaced while a program runs.
 * @throws KpipeError KPIPE_PIPELINE_INVALID naming the file; KPIPE_SOURCE_REFUSED when the client certificate is out of its time
 */
export async function readTlsFiles({ cacert, cert, key }: TlsSettings): Promise<TlsFiles> {
  const authorities = cacert === undefined ? undefined : await readCertificates('cacert', cacert)
  if (cert === undefined && key === undefined) return { authorities, client: undefined }
  if (cert === undefined || key === undefined) {
    const [there, missing] = cert === undefined ? ['key', 'cert'] : ['cert', 'key']
    throw new KpipeError('KPIPE_PIPELINE_INVALID', `source etcd has the setting ${there} without ${missing}`)
  }
  const certificates = await readCertificates('cert', cert)
  const pem = await readText('key', key)
  const privateKey = parseKey(key, pem)
  const [own] = certificates.list
  if (!own.checkPrivateKey(privateKey)) throw wrongFile('key', key, `is not the key of the certificate in ${cert}`)
  const outOfTime = outsideOfTime(own)
  if (outOfTime !== undefined) throw wrongFile('cert', cert, outOfTime, 'KPIPE_SOURCE_REFUSED')
  try {
    createSecureContext({ cert: certificates.pem, key: pem })
  } catch (cause) {
    throw wrongFile(
      'cert',
      cert,
      `cannot be used: ${(cause as { reason?: string }).reason ?? (cause as Error).message}`,
      'KPIPE_PIPELINE_INVALID',
      cause,
    )
  }
  return { authorities, client: { certificates, key: pem } }
}

/** What is wrong with a certificate's time now, as the end of a sentence. */
export function outsideOfTime({ validFromDate, validToDate }: X509Certificate, now = new Date()): string | undefined {
  if (validToDate < now) return `expired at ${isoTime(validToDate)}`
  return validFromDate > now ? `is not valid before ${isoTime(validFromDate)}` : undefined
}

/** Certificates have whole seconds. */
export const isoTime = (date: Date): string => date.toISOString().replace('.000Z', 'Z')

async function readCertificates(setting: string, file: string): Promise<PemCertificates> {
  const pem = await readText(setting, file)
  const blocks = pem.match(/-----BEGIN (?:TRUSTED )?CERTIFICATE-----[^]*?-----END (?:TRUSTED )?CERTIFICATE-----/g) ?? []
  if (blocks.length === 0) throw wrongFile(setting, file, `holds no certificate in PEM${pem.includes('PRIVATE KEY') ? ', but a key' : ''}`)
  try {
    return { file, pem, list: blocks.map((block) => new X509Certificate(block)) }
  } catch (cause) {
    throw wrongFile(setting, file, 'holds a malformed certificate', 'KPIPE_PIPELINE_INVALID', cause)
  }
}

function parseKey(file: string, pem: string): KeyObject {
  if (/ENCRYPTED/.test(pem)) throw wrongFile('key', file, 'holds a key that is locked with a password')
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)) throw wrongFile('key', file, 'holds no private key in PEM')
  try {
    return createPrivateKey(pem)
  } catch (cause) {
    throw wrongFile('key', file, 'holds a malformed key', 'KPIPE_PIPELINE_INVALID', cause)
  }
}

async function readText(setting: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'latin1')
  } catch (cause) {
    throw wrongFile(setting, file, `cannot be read (${(cause as NodeJS.ErrnoException).code})`, 'KPIPE_PIPELINE_INVALID', cause)
  }
}

function wrongFile(
  setting: string,
  file: string,
  seen: string,
  code: KpipeErrorCode = 'KPIPE_PIPELINE_INVALID',
  cause?: unknown,
): KpipeError {
  return new KpipeError(code, `source etcd: ${file} (${setting}) ${seen}`, { file, setting }, { cause })
}
