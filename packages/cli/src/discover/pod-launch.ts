import { throughMounts } from './host-paths.ts'
import { saidIn } from './launch.ts'
import type { Launch, PlaceKind } from './launch.ts'
import type { Pod } from './pods.ts'
import { argumentsOf } from './shell-words.ts'

/** How the etcds of some pods are started: by the first container of each that starts one. */
export function podLaunches(
  pods: readonly Pod[],
  where: { readonly kind: PlaceKind; readonly place: string; readonly host: string },
): Launch[] {
  return pods.flatMap(({ name, node, onHostNetwork, containers }) => {
    for (const { words, env, mounts, folder, name: container } of containers) {
      // An image with etcd as its entry point is given arguments alone.
      const bare = container === 'etcd' && words[0]?.startsWith('-') ? ['etcd', ...words] : words
      const command = argumentsOf('etcd', bare, env)
      if (command === undefined) continue
      const place = where.kind === 'kubectl' ? `pod ${name || 'without a name'} (kubectl)` : where.place
      return [
        {
          kind: where.kind,
          place,
          args: command.args,
          env: saidIn(place, [...env, ...command.assigned]),
          hostPath: (path) => throughMounts(mounts, path),
          folder,
          local: onHostNetwork && (where.kind !== 'kubectl' || node === undefined || sameHost(node, where.host)),
          notes: [],
        } satisfies Launch,
      ]
    }
    return []
  })
}

/** One of them may have its domain with it. */
export function sameHost(node: string, host: string): boolean {
  const [one, other] = [node.toLowerCase(), host.toLowerCase()]
  return one === other || one.split('.', 1)[0] === other || one === other.split('.', 1)[0]
}
