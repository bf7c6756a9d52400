import type { X509Certificate } from 'node:crypto'
import { isoTime } from './tls-files.ts'

/** Until when certificates hold, in ISO 8601; without TLS, or without a client certificate, the fact is not there. */
export type CertificateFacts = {
  readonly certificate_not_after?: string
  readonly server_certificate_not_after?: string
}

const warnDays = 30
const dayMs = 86_400_000

export function certificateFacts(client: X509Certificate | undefined, server: X509Certificate | undefined): CertificateFacts {
  return {
    ...(client !== undefined && { certificate_not_after: isoTime(client.validToDate) }),
    ...(server !== undefined && { server_certificate_not_after: isoTime(server.validToDate) }),
  }
}

/** A sentence for each certificate that expires within 30 days. */
export function expiringSoon(address: string, facts: CertificateFacts, now = Date.now()): string[] {
  const certificates: [string, string | undefined][] = [
    [`the client certificate for etcd at ${address}`, facts.certificate_not_after],
    [`the certificate of etcd at ${address}`, facts.server_certificate_not_after],
  ]
  return certificates.flatMap(([name, notAfter]) => {
    const days = (Date.parse(notAfter ?? '') - now) / dayMs
    if (!(days < warnDays)) return []
    return [days < 0 ? `${name} expired at ${notAfter}` : `${name} expires in ${Math.floor(days)} days, at ${notAfter}`]
  })
}

/** Who a client certificate says that it is: etcd takes its common name for a user. */
export function clientName(client: X509Certificate | undefined): string | undefined {
  const name = client && /^CN=(.+)$/m.exec(client.subject)?.[1]
  return name === undefined ? undefined : `user ${name} (of the client certificate)`
}
