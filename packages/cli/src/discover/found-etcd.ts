import type { EtcdOptions } from './etcd-options.ts'
import { etcdOptions, hostPathOf } from './etcd-options.ts'
import type { Host } from './host.ts'
import type { Launch, PlaceKind, Said } from './launch.ts'

/** An etcd that was found: what it is called, where it listens, and its files. All paths are of this host. */
export interface FoundEtcd {
  readonly kind: PlaceKind
  readonly place: string
  /** It runs on this host, and its loopback is ours. */
  readonly local: boolean
  readonly name: Said | undefined
  readonly dataDir: Said | undefined
  readonly walDir: Said | undefined
  /** Client URLs. */
  readonly listen: readonly Said[]
  readonly advertise: readonly Said[]
  /** What its clients have to show, and trust. */
  readonly trustedCa: Said | undefined
  readonly wantsClientCertificate: boolean
  /** Its own pair towards clients, and towards other members. */
  readonly server: Pair | undefined
  readonly peer: Pair | undefined
  readonly peerCa: Said | undefined
  readonly autoTls: boolean
  /** What its clients are told: by variables of etcdctl beside it, or in the manifest of kube-apiserver. */
  readonly client: ClientSettings
  readonly notes: readonly string[]
}

/** A certificate and its key, as files. */
export interface Pair {
  readonly cert: Said
  readonly key: Said
}

export interface ClientSettings {
  readonly endpoints: readonly Said[]
  readonly cacert: Said | undefined
  readonly pair: Pair | undefined
}

/** etcd's own default. */
const defaultClientUrls = { value: 'http://localhost:2379', from: 'the default of etcd' }

export async function foundEtcd(host: Host, launch: Launch): Promise<FoundEtcd> {
  const options = await etcdOptions(host, launch)
  const { values } = options
  const notes = [...options.notes]
  const file = (name: string) => {
    const option = values.get(name)
    const path = hostPathOf(launch, option)
    if (option !== undefined && path === undefined) notes.push(`${option.from}: what ${option.value} is called on this host is not known`)
    return path
  }
  const trustedCa = file('trusted-ca-file')
  // Variables of a shell need not be those of an etcd.
  const isDescribed = launch.kind !== 'environment' || launch.env.has('ETCD_CONFIG_FILE')
  const isOn = (name: string) => values.get(name)?.value === 'true'
  return {
    kind: launch.kind,
    place: launch.place,
    local: launch.local,
    name: values.get('name'),
    dataDir: file('data-dir') ?? defaultDataDir(options, launch),
    walDir: file('wal-dir'),
    listen: urls(values.get('listen-client-urls') ?? values.get('advertise-client-urls') ?? (isDescribed ? defaultClientUrls : undefined)),
    advertise: urls(values.get('advertise-client-urls')),
    trustedCa,
    // Go's server asks for certificates as soon as it is told whose to trust.
    wantsClientCertificate: trustedCa !== undefined || values.has('trusted-ca-file') || isOn('client-cert-auth'),
    server: pairOf(file('cert-file'), file('key-file')),
    peer: pairOf(file('peer-cert-file'), file('peer-key-file')),
    peerCa: file('peer-trusted-ca-file'),
    autoTls: isOn('auto-tls'),
    client: etcdctlVariables(launch.env, (said) => hostPathOf(launch, said)),
    notes,
  }
}

/** What the variables of etcdctl say, from the etcd's own environment or from that of who calls kpipe. */
export function etcdctlVariables(env: ReadonlyMap<string, Said>, toHost: (said: Said | undefined) => Said | undefined): ClientSettings {
  const filled = (name: string) => (env.get(name)?.value ? env.get(name) : undefined)
  return {
    endpoints: urls(filled('ETCDCTL_ENDPOINTS')),
    cacert: toHost(filled('ETCDCTL_CACERT')),
    pair: pairOf(toHost(filled('ETCDCTL_CERT')), toHost(filled('ETCDCTL_KEY'))),
  }
}

export function pairOf(cert: Said | undefined, key: Said | undefined): Pair | undefined {
  return cert && key && { cert, key }
}

/** `<name>.etcd` in its working folder, says etcd. */
function defaultDataDir({ values }: EtcdOptions, launch: Launch): Said | undefined {
  if (values.has('data-dir') || launch.kind === 'environment') return undefined
  return hostPathOf(launch, { value: `${values.get('name')?.value ?? 'default'}.etcd`, from: 'the default of etcd' })
}

export function urls(said: Said | undefined): Said[] {
  if (said === undefined) return []
  const texts = said.value.split(',').map((text) => text.trim())
  return texts.filter((text) => text !== '').map((value) => ({ value, from: said.from }))
}
