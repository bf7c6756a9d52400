import { configMap, event, lease, node, pod, release, secret, type StoredObject, widget } from './objects.ts'

export type Change =
  | { readonly put: StoredObject }
  | { readonly remove: string }
  /** The apiserver drops all revisions older than those of five minutes ago. */
  | { readonly compact: true }

/** How many objects of each kind make a database of 100 MiB; the rest follows its size. */
const at100MiB = { nodes: 100, pods: 3_600, secrets: 1_350, releases: 460, configMaps: 3_000, widgets: 3_000, events: 2_200 }

export type Cluster = Readonly<typeof at100MiB>

export function clusterOf(mebibytes: number): Cluster {
  return Object.fromEntries(
    Object.entries(at100MiB).map(([kind, count]) => [kind, Math.max(1, Math.round((count * mebibytes) / 100))]),
  ) as Cluster
}

const periodSeconds = 300
export const periodsPerHour = 3_600 / periodSeconds

/** What lay there before the first pod, of the kinds that are written once and rarely changed. */
const oldShare = 0.7

/**
 * The objects of a cluster: settings and secrets first, then more of them between pods, which are written in all their steps. The first
 * compactions leave gaps between what stays, as in an etcd that has once been fuller.
 */
export function* beginning(cluster: Cluster): Generator<Change> {
  const kinds: readonly [count: number, make: (n: number) => StoredObject][] = [
    [cluster.configMaps, (n) => configMap(n, 0)],
    [cluster.secrets, (n) => secret(n, 0)],
    [cluster.releases, (n) => release(n, 0)],
    [cluster.widgets, (n) => widget(n, 0)],
  ]
  const old = (count: number): number => Math.round(count * oldShare)
  for (const [count, make] of kinds) for (let n = 0; n < old(count); n++) yield { put: make(n) }
  for (let n = 0; n < cluster.nodes; n++) yield { put: node(n, 0) }
  for (let n = 0; n < cluster.pods; n++) {
    yield* newPod(n, 0)
    for (const [count, make] of kinds) for (const one of turn(count - old(count), n, cluster.pods)) yield { put: make(old(count) + one) }
  }
  for (let n = 0; n < cluster.events; n++) yield { put: event(n, 0) }
}

/**
 * Five minutes: every lease renewed each 10 s, every node's status once, new events and the end of those of an hour ago, pods replaced,
 * some settings and custom resources changed, a secret every two weeks, a release upgraded every week; then the compaction.
 */
export function* period(cluster: Cluster, index: number): Generator<Change> {
  const steps = periodSeconds / 10
  for (let step = 0; step < steps; step++) {
    const second = index * periodSeconds + step * 10
    const share = (count: number) => turn(count, index * steps + step, steps)
    for (let n = 0; n < cluster.nodes; n++) yield { put: lease(n, second) }
    for (const n of share(cluster.nodes)) yield { put: node(n % cluster.nodes, second) }
    for (const n of share(cluster.events / periodsPerHour)) {
      yield { put: event(n + cluster.events, second) }
      yield { remove: event(n, 0)[0] }
    }
    for (const n of share(cluster.pods / 1_000)) yield* replacedPod(n, cluster)
    for (const n of share(cluster.configMaps / 1_000)) yield { put: configMap(chosen(n, cluster.configMaps), index) }
    for (const n of share(cluster.secrets / 4_000)) yield { put: secret(chosen(n, cluster.secrets), index) }
    for (const n of share(cluster.widgets / 600)) yield { put: widget(chosen(n, cluster.widgets), index) }
    for (const n of share(cluster.releases / 2_000)) yield { put: release(chosen(n, cluster.releases), index) }
  }
  yield { compact: true }
}

function* newPod(n: number, generation: number): Generator<Change> {
  for (let step = 0; step < 3; step++) yield { put: pod(n, generation, step) }
}

function* replacedPod(n: number, cluster: Cluster): Generator<Change> {
  const which = chosen(n, cluster.pods)
  const generation = n % otherEvery === 0 ? 0 : Math.floor(n / hotCount(cluster.pods))
  yield* newPod(which, generation + 1)
  yield { remove: pod(which, generation, 2)[0] }
}

/** The numbers of one step when `count` of them fall on `steps` steps, going on from step to step. */
function turn(count: number, step: number, steps: number): number[] {
  const [first, last] = [Math.floor((count * step) / steps), Math.floor((count * (step + 1)) / steps)]
  return Array.from({ length: last - first }, (_, i) => first + i)
}

/** Of 20 changes of objects, 19 are of the few that change all the time: the youngest of their kind, this share of all. */
const hotShare = 0.02
const otherEvery = 20

/**
 * Which object changes. Most of a database lies still, and how much of it decides what tools that cut it into larger pieces store: a change takes
 * the page away where the object lay, and what is free is written to for ever after.
 */
function chosen(n: number, count: number): number {
  if (n % otherEvery === 0) return Number((BigInt(n) * 2_654_435_761n) % BigInt(count))
  return count - 1 - (n % hotCount(count))
}

function hotCount(count: number): number {
  return Math.max(1, Math.round(count * hotShare))
}
