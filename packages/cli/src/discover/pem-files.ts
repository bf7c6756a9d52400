import { X509Certificate } from 'node:crypto'
import type { Host } from './host.ts'

export interface CertificateFile {
  readonly path: string
  /** The code of why it cannot be read; `EINVAL` where it holds no certificate. */
  readonly unreadable: string | undefined
  /** In the order of the file; none where it cannot be read. */
  readonly certificates: readonly X509Certificate[]
}

export async function certificateFile(host: Host, path: string): Promise<CertificateFile> {
  const read = await host.read(path)
  if (read.text === undefined) return { path, unreadable: read.code, certificates: [] }
  const blocks = read.text.match(/-----BEGIN (?:TRUSTED )?CERTIFICATE-----[^]*?-----END (?:TRUSTED )?CERTIFICATE-----/g) ?? []
  try {
    const certificates = blocks.map((block) => new X509Certificate(block))
    return { path, unreadable: certificates.length === 0 ? 'EINVAL' : undefined, certificates }
  } catch {
    return { path, unreadable: 'EINVAL', certificates: [] }
  }
}

const dayMs = 86_400_000
const warnDays = 30

/** A sentence about the first certificate of a file that expires within 30 days, or has expired. */
export function expiryOf(what: string, { path, certificates }: CertificateFile, now = Date.now()): string | undefined {
  const [first] = certificates.map(({ validToDate }) => validToDate).toSorted((one, other) => one.getTime() - other.getTime())
  if (first === undefined) return undefined
  const days = (first.getTime() - now) / dayMs
  if (days >= warnDays) return undefined
  const time = first.toISOString().replace('.000Z', 'Z')
  return days < 0 ? `${what} ${path} expired at ${time}` : `${what} ${path} expires in ${Math.floor(days)} days, at ${time}`
}

const clientAuth = '1.3.6.1.5.5.7.3.2'

/** Whether a certificate may stand for a client; one that says nothing of uses may. */
export function isForClients(certificate: X509Certificate | undefined): boolean {
  // Node calls extended uses keyUsage.
  const uses = certificate?.keyUsage as readonly string[] | undefined
  return uses === undefined || uses.includes(clientAuth) || uses.includes('2.5.29.37.0')
}
