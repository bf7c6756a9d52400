import { KpipeError } from '@kpipe/engine/contracts'
import { alternativesOf, isCovered } from './endpoints.ts'
import type { FoundEtcd } from './found-etcd.ts'
import type { Host } from './host.ts'
import type { Said } from './launch.ts'
import { certificateFile } from './pem-files.ts'

/**
 * Addresses to call, of which several may lead to the same etcd: those for which it has a certificate, where there are any.
 * @throws KpipeError KPIPE_USAGE when there is none
 */
export async function candidatesOf(host: Host, found: readonly FoundEtcd[]): Promise<Said[]> {
  const [etcd] = found
  const certificate = etcd?.server && (await certificateFile(host, etcd.server.cert.value)).certificates[0]
  const all = [...sameCluster(found).flatMap(alternativesOf), ...(etcd?.client.endpoints ?? [])]
  const unique = all.filter(({ value }, index) => all.findIndex((other) => other.value === value) === index)
  if (unique.length === 0) {
    if (etcd === undefined || etcd.kind === 'environment') return [{ value: 'http://127.0.0.1:2379', from: 'the default of etcdctl' }]
    throw new KpipeError('KPIPE_USAGE', `the etcd of ${etcd.place} tells no address that leads to it from here: it has ${shown(etcd)}`)
  }
  const covered = unique.filter(({ value }) => isCovered(value, certificate))
  return covered.length > 0 ? covered : unique
}

function shown({ listen, advertise }: FoundEtcd): string {
  return [...new Set([...listen, ...advertise].map(({ value }) => value))].join(', ') || 'none'
}

/** Without the answer of the cluster: the best address of each etcd that was found, else what its clients are told. */
export function oneForEach(found: readonly FoundEtcd[], candidates: readonly Said[]): readonly Said[] {
  const best = sameCluster(found).flatMap((etcd) => {
    const alternatives = new Set(alternativesOf(etcd).map(({ value }) => value))
    return candidates.find(({ value }) => alternatives.has(value)) ?? []
  })
  return best.length > 0 ? best : candidates
}

/** Pods that one API server tells of are one cluster; what else stands side by side need not be. */
export function sameCluster(found: readonly FoundEtcd[]): readonly FoundEtcd[] {
  return found[0]?.kind === 'kubectl' ? found : found.slice(0, 1)
}
