import { etcdctl } from './checks.ts'
import type { RestorePlan } from './decide.ts'
import type { Step } from './step.ts'

/** What is different after a restore, and who has to be told. */
export function afterwards(plan: RestorePlan): Step {
  const { snapshot, bump, apiserver, insight, leftOut, members } = plan
  const kubernetes = apiserver !== undefined || insight.kubernetes === true
  const said: (string | false)[] = [
    `All that was written after ${snapshot.time.toISOString()} is gone, and what was deleted since is back.`,
    'Leases begin anew with their whole time: keys that hang on them live that much longer.',
    bump === 'none' || (bump === undefined && !kubernetes)
      ? 'Revisions go on from those of the snapshot: whoever watched the old cluster beyond that keeps what he saw. Start all clients anew that watch or cache, such as controllers, operators and kubelets.'
      : 'Revisions began far above the old ones, so whoever watches gets told that his are gone, and reads anew. A client that does not is to be started anew.',
    kubernetes &&
      'Nodes may be NotReady for a minute, until the kubelets have renewed their leases. Pods that were made after the snapshot are ended by the kubelets; volumes and load balancers that were made for them stay behind at the provider. `kubectl get nodes`, `kubectl get pods -A` and `kubectl get events -A` show what settles.',
    kubernetes &&
      'Start controller managers and schedulers anew, and what elects a leader or caches on its own: a static pod by moving its manifest away and back, others with `kubectl rollout restart`.',
    insight.encryption.length > 0 &&
      `Values in it are encrypted with ${insight.encryption.join(', ')}: the API servers need the encryption configuration with that very key (\`--encryption-provider-config\`), also when keys were rotated since.`,
    kubernetes &&
      insight.encryption.length === 0 &&
      'If Secrets were encrypted when the snapshot was taken, the API servers need the encryption configuration of that time.',
    insight.authEnabled && 'Users, roles and passwords are those of the snapshot.',
    leftOut.length > 0 &&
      `A cluster of ${members.length} bears the loss of ${Math.floor((members.length - 1) / 2)}. To bring ${leftOut.map(({ name }) => name).join(', ')} back, one at a time, when all is well: \`${etcdctl(plan)} member add NAME --peer-urls=URL\`, move its old data directory away, and start it with an empty one, with the \`--initial-cluster\` that \`member add\` prints and \`--initial-cluster-state=existing\`: here that is right.`,
    kubernetes && leftOut.length > 0 && 'The API servers must not be told of etcds that are not there: look at their `--etcd-servers`.',
    'Make a backup (`kpipe run`). It ends with exit code 3 once, because the name now stands for another cluster id.',
    'Keep the old data, `*.before-*`, until you are sure; they hold every secret of the cluster, so remove them then. To go back instead: stop etcd, move the new data directory away, give the old one its name again.',
  ]
  return { title: 'Afterwards', text: said.filter((text) => text !== false).map((text) => `- ${text}`), parts: [] }
}
