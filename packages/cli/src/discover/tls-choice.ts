import { posix } from 'node:path'
import type { ApiServer } from './api-server.ts'
import type { FoundEtcd, Pair } from './found-etcd.ts'
import type { Host } from './host.ts'
import type { Said } from './launch.ts'
import { certificateFile, isForClients } from './pem-files.ts'
import type { CertificateFile } from './pem-files.ts'

/** With what etcd is called over TLS. */
export interface TlsChoice {
  readonly cacert: Said | undefined
  readonly pair: Pair | undefined
  readonly warnings: readonly string[]
}

export const noTls: TlsChoice = { cacert: undefined, pair: undefined, warnings: [] }

/** Clients of etcd by the names that their files usually have: of kubeadm, and of k3s and rke2. */
const besideAuthority = ['healthcheck-client', 'client']
const aboveAuthority = ['apiserver-etcd-client']

interface Candidate {
  readonly pair: Pair
  /** Why it cannot be used; undefined when it can. */
  readonly fault: string | undefined
  /** Where somebody else could use it. */
  readonly isThere: boolean
}

/**
 * Prefers a certificate that was made for clients to those of etcd itself: that of health checks, then that of kube-apiserver, both
 * readable and signed by whom etcd trusts.
 */
export async function chooseTls(host: Host, found: FoundEtcd, apiServer: ApiServer | undefined): Promise<TlsChoice> {
  const warnings: string[] = []
  const { cacert, fault } = await chooseAuthority(host, found, apiServer)
  if (fault !== undefined) warnings.push(fault)
  if (!found.wantsClientCertificate && found.client.pair === undefined) return { cacert, pair: undefined, warnings }
  const candidates: Candidate[] = []
  for (const pair of pairsOf(found, apiServer)) {
    const candidate = await examined(host, pair, found.trustedCa)
    if (candidate.fault === undefined) return { cacert, pair, warnings }
    candidates.push(candidate)
  }
  const told = (pair: Pair | undefined) => pair && candidates.find((candidate) => candidate.pair.cert.value === pair.cert.value)
  const best = candidates.find(({ isThere }) => isThere) ?? told(found.client.pair) ?? told(apiServer?.etcdPair) ?? told(found.server)
  if (best === undefined) warnings.push('no client certificate was found, and etcd wants one')
  else warnings.push(`${best.pair.cert.value} and ${posix.basename(best.pair.key.value)}: ${best.fault}`)
  return { cacert, pair: best?.pair, warnings }
}

function pairsOf({ trustedCa, client, server, peer }: FoundEtcd, apiServer: ApiServer | undefined): Pair[] {
  const named = (folder: string, name: string, where: string): Pair => {
    const from = `${where} ${trustedCa!.value}`
    return { cert: { value: posix.join(folder, `${name}.crt`), from }, key: { value: posix.join(folder, `${name}.key`), from } }
  }
  const folder = trustedCa && posix.dirname(trustedCa.value)
  const own = (pair: Pair | undefined, which: string) =>
    pair && { cert: { ...pair.cert, from: `${which}, ${pair.cert.from}` }, key: { ...pair.key, from: `${which}, ${pair.key.from}` } }
  const usual =
    folder === undefined
      ? []
      : [
          ...besideAuthority.map((name) => named(folder, name, 'beside')),
          ...aboveAuthority.map((name) => named(posix.dirname(folder), name, 'above')),
        ]
  const last = [apiServer?.etcdPair, own(server, "etcd's own pair"), own(peer, "etcd's pair towards other members")]
  return [client.pair, ...usual, ...last].filter((pair) => pair !== undefined)
}

async function examined(host: Host, pair: Pair, trustedCa: Said | undefined): Promise<Candidate> {
  const file = await certificateFile(host, pair.cert.value)
  const keyFault = await host.unreadable(pair.key.value)
  const code = file.unreadable ?? keyFault
  if (code !== undefined) return { pair, isThere: code !== 'ENOENT', fault: unreadableText(file.unreadable ? pair.cert : pair.key, code) }
  const [own] = file.certificates
  if (!isForClients(own)) return { pair, isThere: true, fault: 'the certificate is not for clients' }
  const authority = trustedCa && (await certificateFile(host, trustedCa.value))
  if (authority?.unreadable === undefined && authority && !signedBy(file, authority))
    return { pair, isThere: true, fault: `the certificate is not signed by ${trustedCa!.value}` }
  return { pair, isThere: true, fault: undefined }
}

function unreadableText({ value }: Said, code: string): string {
  return code === 'EINVAL' ? `${value} holds no certificate` : `${value} cannot be read by this user (${code})`
}

/** Whom clients trust: who signed etcd's own certificate, and most clusters have one authority for both sides. */
async function chooseAuthority(
  host: Host,
  { client, trustedCa, peerCa, server, autoTls, dataDir }: FoundEtcd,
  apiServer: ApiServer | undefined,
): Promise<{ cacert: Said | undefined; fault?: string }> {
  const beside = ['ca.crt', 'ca.pem', 'server-ca.crt'].map(
    (name): Said | undefined =>
      server && { value: posix.join(posix.dirname(server.cert.value), name), from: `beside ${server.cert.value}` },
  )
  const made = autoTls &&
    dataDir && { value: posix.join(dataDir.value, 'fixtures/client/cert.pem'), from: 'etcd made it by itself (--auto-tls)' }
  const candidates = [client.cacert, ...(made ? [made] : []), trustedCa, apiServer?.etcdCa, ...beside, peerCa].filter(
    (one) => one !== undefined,
  )
  const ofServer = server && (await certificateFile(host, server.cert.value))
  for (const cacert of candidates) {
    const file = await certificateFile(host, cacert.value)
    if (file.unreadable === undefined && (ofServer === undefined || ofServer.unreadable !== undefined || signedBy(ofServer, file)))
      return { cacert }
  }
  const [first] = candidates
  if (first === undefined) return { cacert: undefined }
  const code = (await certificateFile(host, first.value)).unreadable
  const fault = code === undefined ? `${first.value} did not sign ${server!.cert.value}` : unreadableText(first, code)
  return { cacert: first, fault }
}

/** By one of the authorities, or through certificates in between that stand in the same file. */
function signedBy({ certificates }: CertificateFile, authority: CertificateFile): boolean {
  const equal = (one: (typeof certificates)[0], other: typeof one) => one.fingerprint256 === other.fingerprint256
  return certificates.some((certificate) => authority.certificates.some((one) => certificate.checkIssued(one) || equal(one, certificate)))
}
