import type { ClusterFile } from './cluster-file.ts'
import type { RestorePlan } from './decide.ts'
import { writtenService } from './service.ts'
import type { Step } from './step.ts'

/** A plan for programs: a cluster file in which everything is decided, with the steps. A plan of it is the same plan. */
export function planJson(plan: RestorePlan, steps: readonly Step[]): ClusterFile & Record<string, unknown> {
  const { snapshot, apiserver, bump, etcdVersion } = plan
  return {
    message_type: 'plan',
    snapshot: snapshot.id,
    digest: plan.digest,
    name: snapshot.name,
    time: snapshot.time.toISOString(),
    revision: snapshot.revision,
    token: plan.token,
    ...(bump !== undefined && { bump }),
    ...(etcdVersion !== undefined && { etcdVersion }),
    ...(plan.force && { force: true }),
    apiserver: apiserver === undefined ? 'none' : writtenService(apiserver),
    apiserverHosts: plan.apiserverHosts,
    ...plan.tls,
    members: plan.members.map(({ name, host, peerUrls, clientUrls, dataDir, walDir, owner, etcd }) => ({
      name,
      host,
      peerUrls,
      clientUrls,
      dataDir,
      ...(walDir !== undefined && { walDir }),
      ...(owner !== undefined && { owner }),
      etcd: writtenService(etcd),
    })),
    left_out: plan.leftOut,
    assumed: plan.assumed,
    steps,
  }
}
