import { flagsIn } from './etcd-options.ts'
import type { FoundEtcd, Pair } from './found-etcd.ts'
import { pairOf, urls } from './found-etcd.ts'
import { throughMounts } from './host-paths.ts'
import type { Said } from './launch.ts'
import type { Pod } from './pods.ts'
import { argumentsOf } from './shell-words.ts'

/** What the manifest of a kube-apiserver says of its etcd, and of files that stand beside it. Paths are of this host. */
export interface ApiServer {
  readonly place: string
  readonly etcdServers: readonly Said[]
  readonly etcdCa: Said | undefined
  readonly etcdPair: Pair | undefined
  /** Undefined means `/registry`. */
  readonly etcdPrefix: Said | undefined
  readonly encryptionConfig: Said | undefined
  readonly certificates: readonly Said[]
  /** Public and private keys of the tokens of service accounts. */
  readonly serviceAccountKeys: readonly Said[]
}

const certificateFlags = ['client-ca-file', 'tls-cert-file', 'etcd-certfile', 'requestheader-client-ca-file', 'proxy-client-cert-file']

/** The first kube-apiserver among some pods of a manifest. */
export function apiServerIn(pods: readonly Pod[], place: string): ApiServer | undefined {
  for (const { words, env, mounts } of pods.flatMap(({ containers }) => containers)) {
    const call = argumentsOf('kube-apiserver', words, env)
    if (call === undefined) continue
    const flags = flagsIn(call.args, place)
    const file = (name: string): Said | undefined => {
      const said = flags.get(name)
      const path = said && throughMounts(mounts, said.value)
      return said && path !== undefined
        ? { value: path, from: path === said.value ? said.from : `${said.from}, there ${said.value}` }
        : undefined
    }
    const files = (...names: string[]) => names.flatMap((name) => file(name) ?? [])
    return {
      place,
      etcdServers: urls(flags.get('etcd-servers')),
      etcdCa: file('etcd-cafile'),
      etcdPair: pairOf(file('etcd-certfile'), file('etcd-keyfile')),
      etcdPrefix: flags.get('etcd-prefix'),
      encryptionConfig: file('encryption-provider-config') ?? file('experimental-encryption-provider-config'),
      certificates: files(...certificateFlags),
      serviceAccountKeys: files('service-account-key-file', 'service-account-signing-key-file'),
    }
  }
  return undefined
}

/** The etcd that a kube-apiserver calls, where nothing on this host starts one. */
export function etcdOf({ place, etcdServers, etcdCa, etcdPair }: ApiServer): FoundEtcd {
  const unknown = { name: undefined, dataDir: undefined, walDir: undefined, server: undefined, peer: undefined, peerCa: undefined }
  return {
    ...unknown,
    kind: 'apiserver',
    place,
    local: false,
    listen: [],
    advertise: [],
    trustedCa: undefined,
    wantsClientCertificate: etcdPair !== undefined,
    autoTls: false,
    client: { endpoints: etcdServers, cacert: etcdCa, pair: etcdPair },
    notes: [],
  }
}
