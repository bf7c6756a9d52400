import { posix } from 'node:path'
import type { ApiServer } from './api-server.ts'
import type { FoundEtcd } from './found-etcd.ts'
import type { Host } from './host.ts'
import { isWithin } from './host-paths.ts'

/** A file or folder that a cluster needs after a restore and that no snapshot holds. */
export interface Beside {
  readonly path: string
  readonly what: string
  /** Why it cannot be stored by this user, with the path; undefined when it can. */
  readonly fault: string | undefined
}

/** Nobody means all of these. */
const tooWide = new Set(
  (
    '/ /etc /etc/kubernetes /etc/ssl /etc/ssl/certs /etc/ssl/private /etc/pki /etc/pki/tls /etc/pki/tls/certs /etc/pki/tls/private ' +
    '/home /mnt /opt /root /run /srv /tmp /usr /usr/local /var /var/lib /var/run /var/tmp'
  ).split(' '),
)

/** Folders of certificates are no larger than that. */
const maxEntries = 1000

/** What k3s and rke2 keep beside their etcd. */
const rancherServer = /^\/var\/lib\/rancher\/(?:k3s|rke2)\/server(?=\/)/

export async function besideSnapshot(host: Host, found: FoundEtcd, apiServer: ApiServer | undefined): Promise<Beside[]> {
  const [server] = rancherServer.exec(found.dataDir?.value ?? found.place) ?? []
  const files =
    server === undefined
      ? filesOf(found, apiServer)
      : [
          { path: `${server}/tls`, what: 'certificates and keys of the cluster' },
          { path: `${server}/token`, what: 'the token that servers join with, and that locks what the cluster keeps for them' },
          { path: `${server}/cred/encryption-config.json`, what: 'keys of Secrets that are encrypted in etcd', optional: true },
        ]
  const offered: Beside[] = []
  for (const { path, what, optional } of files) {
    const fault = await faultOf(host, path)
    if (!(optional && fault !== undefined)) offered.push({ path, what, fault })
  }
  return offered
}

interface Wanted {
  readonly path: string
  readonly what: string
  /** Of no interest when it is not there. */
  readonly optional?: boolean
}

function filesOf(found: FoundEtcd, apiServer: ApiServer | undefined): Wanted[] {
  const { trustedCa, server, peer, peerCa, client, dataDir } = found
  const pairs = [server, peer, client.pair].flatMap((pair) => (pair ? [pair.cert, pair.key] : []))
  const certificates = [trustedCa, peerCa, client.cacert, ...pairs, ...(apiServer?.certificates ?? [])].filter((said) => said !== undefined)
  const wanted = new Map<string, string>()
  for (const { value } of certificates) {
    const folder = authorityFolder(posix.dirname(value))
    const isWide = tooWide.has(folder) || (dataDir !== undefined && isWithin(folder, dataDir.value))
    wanted.set(isWide ? value : folder, 'certificates and keys')
  }
  for (const { value } of apiServer?.serviceAccountKeys ?? []) wanted.set(value, 'keys of the tokens of service accounts')
  const encryption = apiServer?.encryptionConfig?.value
  if (encryption !== undefined) wanted.set(encryption, 'keys of Secrets that are encrypted in etcd')
  const paths = [...wanted.keys()]
  return [...wanted]
    .filter(([path]) => !paths.some((other) => other !== path && isWithin(other, path)))
    .map(([path, what]) => ({ path, what }))
}

/** kubeadm has the certificates of etcd in a folder below those of the cluster. */
function authorityFolder(folder: string): string {
  const above = posix.dirname(folder)
  return posix.basename(folder) === 'etcd' && posix.basename(above) === 'pki' ? above : folder
}

/** The first of what lies there that cannot be read. */
async function faultOf(host: Host, path: string): Promise<string | undefined> {
  const waiting = [path]
  for (let seen = 0; waiting.length > 0; seen += 1) {
    const next = waiting.shift()!
    if (seen >= maxEntries) return `${path} has more than ${maxEntries} entries`
    const code = await host.unreadable(next)
    if (code !== undefined) return `${next} cannot be read by this user (${code})`
    if (await host.isFolder(next)) waiting.push(...(await host.list(next)).map((name) => posix.join(next, name)))
  }
  return undefined
}
