import type { X509Certificate } from 'node:crypto'
import { KpipeError, type KpipeErrorCode } from '@kpipe/engine/contracts'
import { reasonOf } from './dial.ts'
import { expectedName, type TlsPeer } from './tls-peer.ts'
import { alertOf, lookAtTls, type TlsLook } from './look-at-tls.ts'
import { outsideOfTime, type TlsFiles } from './tls-files.ts'
import { whatAnswered } from './what-answered.ts'

const lookMs = 1000

/**
 * Why there is no TLS, in one sentence. `cause` is what the connection failed with, also after the handshake: in TLS 1.3 a server
 * refuses a client certificate when this end believes to be done.
 */
export async function tlsFailure(peer: TlsPeer, cause: unknown, signal: AbortSignal): Promise<KpipeError> {
  const { endpoint, files } = peer
  const failure = (code: KpipeErrorCode, seen: string) =>
    new KpipeError(code, `etcd at ${endpoint.address}: ${seen}`, { endpoint: endpoint.address }, { cause })
  const protocol = (seen: string) => failure('KPIPE_SOURCE_PROTOCOL', seen)

  if (cause === 'no HTTP/2' || alertOf(cause) === noApplicationProtocol) return protocol('it speaks TLS, but not HTTP/2')
  const look = await lookAtTls(peer, lookMs, signal)
  signal.throwIfAborted()
  const alert = alertOf(cause) ?? look.alert
  const code = (cause as NodeJS.ErrnoException).code ?? ''
  const unverified = whyNotVerified(code, look, peer)
  if (unverified !== undefined) return failure('KPIPE_SOURCE_REFUSED', unverified)
  if (alert !== undefined) {
    const refused = whyRefused(alert, files)
    return refused === undefined ? protocol(`the TLS handshake failed (${alertName(alert)})`) : failure('KPIPE_SOURCE_REFUSED', refused)
  }
  if (look.speaks) {
    // So do servers that refuse a client certificate and do not say it.
    const given =
      files.client === undefined ? 'no client certificate was given' : `the client certificate was ${told(files.client.certificates)}`
    return failure('KPIPE_SOURCE_REFUSED', `the connection is ended right after the TLS handshake (${reasonOf(cause)}); ${given}`)
  }
  const answered = await whatAnswered(endpoint, lookMs, signal).catch((error: unknown) => error as KpipeError)
  signal.throwIfAborted()
  // It was there a moment ago.
  if (typeof answered === 'object') return answered
  if (/^(no TLS handshake|the connection timed out)/.test(reasonOf(cause))) return failure('KPIPE_SOURCE_UNREACHABLE', reasonOf(cause))
  return protocol(`TLS was tried, and ${answered ?? 'this port speaks HTTP/2 without TLS'}`)
}

/** Codes of OpenSSL's verification for a chain that leads to nobody who is trusted. */
const untrusted =
  /SELF_SIGNED_CERT|UNABLE_TO_GET_ISSUER_CERT|UNABLE_TO_VERIFY_LEAF_SIGNATURE|CERT_SIGNATURE_FAILURE|CERT_UNTRUSTED|INVALID_CA|CERT_CHAIN_TOO_LONG/

function whyNotVerified(code: string, { chain }: TlsLook, peer: TlsPeer): string | undefined {
  const own = chain[0]
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return `its certificate is for ${own === undefined ? 'other names' : namesOf(own)}, not for ${expectedName(peer)}`
  }
  const { authorities } = peer.files
  if (/^(CERT_HAS_EXPIRED|CERT_NOT_YET_VALID)$/.test(code)) {
    const suspects = [...chain, ...(authorities?.list ?? [])]
    const wrong = suspects.find((certificate) => outsideOfTime(certificate) !== undefined)
    if (wrong === undefined) return `its certificate is not accepted (${code})`
    return `its certificate ${wrong === own ? '' : `has the authority ${subjectOf(wrong)}, whose certificate `}${outsideOfTime(wrong)}`
  }
  if (untrusted.test(code)) {
    const signer = own === undefined ? 'somebody' : own.issuer === own.subject ? 'itself' : oneLine(own.issuer)
    const trusted = authorities === undefined ? 'whom this host trusts' : `that ${authorities.file} trusts`
    return `its certificate is signed by ${signer}, which is no authority ${trusted}`
  }
  return /^(INVALID_PURPOSE|CERT_|CRL_|HOSTNAME_|EE_KEY|CA_)/.test(code) ? `its certificate is not accepted (${code})` : undefined
}

const handshakeFailure = 40
const noApplicationProtocol = 120
/** Alerts about the client certificate. 3.4 says bad_certificate for all of them, 3.6 says what it was. */
const certificateAlerts: Readonly<Record<number, string>> = {
  42: 'bad certificate',
  43: 'unsupported certificate',
  44: 'certificate revoked',
  45: 'certificate expired',
  46: 'certificate unknown',
  48: 'unknown authority',
  49: 'access denied',
  51: 'signature does not match',
  116: 'certificate required',
}
const alertName = (alert: number): string => certificateAlerts[alert] ?? `alert ${alert}`

function whyRefused(alert: number, { client }: TlsFiles): string | undefined {
  const about = certificateAlerts[alert] !== undefined
  if (client === undefined) {
    // In TLS 1.2 a missing certificate is a handshake failure like any other.
    if (alert === handshakeFailure) return 'the TLS handshake failed; a client certificate may be wanted, and none was given'
    return about ? `a client certificate is wanted, and none was given (${alertName(alert)})` : undefined
  }
  return about ? `the client certificate is refused (${alertName(alert)}): ${told(client.certificates)}` : undefined
}

function told({ file, list: [own] }: { readonly file: string; readonly list: readonly X509Certificate[] }): string {
  return `${file}, ${subjectOf(own)}, signed by ${own.issuer === own.subject ? 'itself' : oneLine(own.issuer)}`
}

/** `DNS:localhost, IP Address:127.0.0.1` without the kinds; the subject's name counts only where there is nothing else. */
function namesOf(certificate: X509Certificate): string {
  const names = certificate.subjectAltName?.split(', ').map((name) => name.replace(/^(DNS|IP Address|URI|email):/, ''))
  return names?.join(', ') ?? subjectOf(certificate)
}

const subjectOf = ({ subject }: X509Certificate): string => oneLine(subject || 'nobody')
const oneLine = (name: string): string => name.replaceAll('\n', ', ')
