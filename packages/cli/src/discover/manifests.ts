import { posix } from 'node:path'
import { apiServerIn } from './api-server.ts'
import type { ApiServer } from './api-server.ts'
import type { Host } from './host.ts'
import type { Launch } from './launch.ts'
import { podLaunches } from './pod-launch.ts'
import { podsIn } from './pods.ts'

/** Where kubelets find static pods: of kubeadm and OpenShift, of rke2. */
export const manifestFolders = ['/etc/kubernetes/manifests', '/var/lib/rancher/rke2/agent/pod-manifests']

export interface Manifests {
  readonly launches: readonly Launch[]
  readonly apiServer: ApiServer | undefined
  /** What could not be read. */
  readonly faults: readonly string[]
}

/** More pods than that are on no node. */
const maxFiles = 500

/** The etcds that manifests of a folder start, and the kube-apiserver beside them. */
export async function manifestsIn(host: Host, folder: string): Promise<Manifests> {
  const code = await host.unreadable(folder)
  if (code !== undefined) return { launches: [], apiServer: undefined, faults: code === 'ENOENT' ? [] : [`${folder} (${code})`] }
  // kubelets pass over what begins with a dot.
  const names = (await host.list(folder)).filter((name) => /^[^.].*\.(?:ya?ml|json|manifest)$/.test(name)).slice(0, maxFiles)
  const read = await Promise.all(names.map((name) => manifest(host, posix.join(folder, name))))
  return {
    launches: read.flatMap(({ launches }) => launches),
    apiServer: read.find(({ apiServer }) => apiServer !== undefined)?.apiServer,
    faults: read.flatMap(({ faults }) => faults),
  }
}

export async function manifest(host: Host, path: string): Promise<Manifests> {
  const read = await host.read(path)
  if (read.text === undefined) return { launches: [], apiServer: undefined, faults: [`${path} (${read.code})`] }
  try {
    const pods = podsIn(read.text)
    return {
      launches: podLaunches(pods, { kind: 'manifest', place: path, host: host.name }),
      apiServer: apiServerIn(pods, path),
      faults: [],
    }
  } catch (error) {
    return { launches: [], apiServer: undefined, faults: [`${path} (no YAML: ${(error as Error).message})`] }
  }
}
